// SPDX-License-Identifier: Apache-2.0
// Waits for a line, then asks by java.net.http: java Client.java PORT COUNT
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

public class Client {
	public static void main(String[] args) throws Exception {
		HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

		System.in.read();
		for (int i = 0; i < Integer.parseInt(args[1]); i++) {
			URI uri = URI.create("http://127.0.0.1:" + args[0] + "/asked/" + i);

			if (client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
					.statusCode() != 200)
				System.exit(1);
		}
	}
}
