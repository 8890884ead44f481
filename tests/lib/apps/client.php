<?php
// SPDX-License-Identifier: Apache-2.0
// Waits for a line, then asks over TLS on one connection: client.php PORT COUNT
$curl = curl_init();
curl_setopt_array($curl, [CURLOPT_RETURNTRANSFER => true, CURLOPT_CAINFO => getenv('SSL_CERT_FILE')]);
fgets(STDIN);
for ($i = 0; $i < $argv[2]; $i++) {
	curl_setopt($curl, CURLOPT_URL, "https://localhost:$argv[1]/asked/$i");
	if (curl_exec($curl) === false || curl_getinfo($curl, CURLINFO_RESPONSE_CODE) !== 200)
		exit(1);
}
