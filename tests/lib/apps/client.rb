# SPDX-License-Identifier: Apache-2.0
# Waits for a line, then asks over TLS on one connection: client.rb PORT COUNT
require 'net/http'
require 'openssl'

port, count = ARGV.map(&:to_i)
$stdin.gets
Net::HTTP.start('localhost', port, use_ssl: true) do |http|
  count.times { |i| abort unless http.get("/asked/#{i}").code == '200' }
end
