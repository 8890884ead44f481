# SPDX-License-Identifier: Apache-2.0
# Waits for a line, then asks over TLS on one connection: client.pl PORT COUNT
use strict;
use warnings;
use HTTP::Tiny;
use IO::Socket::SSL;

my ($port, $count) = @ARGV;
my $http = HTTP::Tiny->new(verify_SSL => 1, SSL_options => { SSL_ca_file => $ENV{SSL_CERT_FILE} });

<STDIN>;
for my $i (0 .. $count - 1) {
	$http->get("https://localhost:$port/asked/$i")->{success} or die;
}
