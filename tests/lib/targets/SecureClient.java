// SPDX-License-Identifier: Apache-2.0
// Waits for a line, then asks COUNT times, and prints how many were answered.
//
//     java SecureClient client|connection URL COUNT     by HttpClient (engines), or HttpsURLConnection (sockets)
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import javax.net.ssl.HttpsURLConnection;

public class SecureClient {
	public static void main(String[] args) throws Exception {
		HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
		int answered = 0;

		System.in.read();
		for (int i = 0; i < Integer.parseInt(args[2]); i++) {
			if (args[0].equals("client")) {
				HttpRequest request = HttpRequest.newBuilder(URI.create(args[1])).build();
				answered += client.send(request, HttpResponse.BodyHandlers.ofByteArray()).statusCode() == 200 ? 1 : 0;
			} else {
				HttpsURLConnection connection = (HttpsURLConnection) new URL(args[1]).openConnection();
				answered += connection.getResponseCode() == 200 ? 1 : 0;
				connection.getInputStream().readAllBytes();
			}
		}
		System.out.println(answered);
	}
}
