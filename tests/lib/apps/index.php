<?php
// SPDX-License-Identifier: Apache-2.0
// For php -S and for PHP-FPM.
$path = strtok($_SERVER['REQUEST_URI'], '?');

header('Content-Type: text/plain');
if ($path === '/large') {
	echo str_repeat('x', 300000);
} elseif ($path === '/hello') {
	echo strlen(file_get_contents('php://input')), "\n";
} else {
	http_response_code(404);
	echo "no\n";
}
