# SPDX-License-Identifier: Apache-2.0
# A Rack application: puma app.ru
run(lambda do |env|
  case env['PATH_INFO']
  when '/hello' then [200, { 'content-type' => 'text/plain' }, ["#{env['rack.input'].read.size}\n"]]
  when '/large' then [200, { 'content-type' => 'text/plain' }, ['x' * 300_000]]
  else [404, { 'content-type' => 'text/plain' }, ["no\n"]]
  end
end)
