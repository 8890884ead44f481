// SPDX-License-Identifier: Apache-2.0
// A server on com.sun.net.httpserver that answers "ok"; /missing is not there, /large is.
//
//     java Server PORT [CLIENT_PORT]      CLIENT_PORT: asks http://127.0.0.1:CLIENT_PORT/java once, and ends
import com.sun.net.httpserver.HttpServer;
import java.net.HttpURLConnection;
import java.net.InetSocketAddress;
import java.net.URL;

public class Server {
	public static void main(String[] args) throws Exception {
		if (args.length > 1) {
			URL url = new URL("http://127.0.0.1:" + args[1] + "/java");

			System.out.println(((HttpURLConnection) url.openConnection()).getResponseCode());
			return;
		}
		HttpServer server = HttpServer.create(new InetSocketAddress(Integer.parseInt(args[0])), 0);

		server.createContext("/", exchange -> {
			String path = exchange.getRequestURI().getPath();
			byte[] body = path.equals("/large") ? new byte[300000] : "ok".getBytes();
			boolean head = exchange.getRequestMethod().equals("HEAD");

			exchange.getRequestBody().readAllBytes();
			exchange.sendResponseHeaders(path.equals("/missing") ? 404 : 200, head ? -1 : body.length);
			if (!head)
				exchange.getResponseBody().write(body);
			exchange.close();
		});
		server.start();
	}
}
