# SPDX-License-Identifier: Apache-2.0
# A PSGI application: starman app.psgi
use strict;
use warnings;

sub {
	my $env = shift;
	my $path = $env->{PATH_INFO};
	my ($status, $text, $length) = (404, "no\n", 0);

	if ($path eq '/large') {
		($status, $text) = (200, 'x' x 300000);
	} elsif ($path eq '/hello') {
		while (my $n = $env->{'psgi.input'}->read(my $piece, 65536)) {
			$length += $n;
		}
		($status, $text) = (200, "$length\n");
	}
	return [$status, ['Content-Type' => 'text/plain', 'Content-Length' => length $text], [$env->{REQUEST_METHOD} eq 'HEAD' ? () : $text]];
};
