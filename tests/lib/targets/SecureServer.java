// SPDX-License-Identifier: Apache-2.0
// Answers "ok" over TLS; /large is.
//
//     java SecureServer https|socket PORT KEYSTORE      by HttpsServer (engines), or by SSLServerSocket
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.security.KeyStore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

public class SecureServer {
	private static byte[] body(String path) {
		return path.equals("/large") ? new byte[300000] : "ok".getBytes();
	}

	private static void talk(Socket socket) {
		try (socket) {
			InputStream in = socket.getInputStream();
			OutputStream out = socket.getOutputStream();
			StringBuilder head = new StringBuilder();
			for (int c; (c = in.read()) >= 0;) {
				head.append((char) c);
				if (head.indexOf("\r\n\r\n") < 0)
					continue;
				byte[] body = body(head.toString().split(" ")[1]);
				out.write(("HTTP/1.1 200 OK\r\nContent-Length: " + body.length + "\r\n\r\n").getBytes());
				out.write(body);
				head.setLength(0);
			}
		} catch (Exception e) {
			System.err.println(e);
		}
	}

	public static void main(String[] args) throws Exception {
		KeyStore keys = KeyStore.getInstance("PKCS12");
		KeyManagerFactory factory = KeyManagerFactory.getInstance("SunX509");
		SSLContext context = SSLContext.getInstance("TLS");
		int port = Integer.parseInt(args[1]);

		keys.load(new FileInputStream(args[2]), "secret".toCharArray());
		factory.init(keys, "secret".toCharArray());
		context.init(factory.getKeyManagers(), null, null);
		if (args[0].equals("socket")) {
			var listener = context.getServerSocketFactory().createServerSocket(port);
			for (;;) {
				Socket socket = listener.accept();
				new Thread(() -> talk(socket)).start();
			}
		}
		HttpsServer server = HttpsServer.create(new InetSocketAddress(port), 0);
		server.setHttpsConfigurator(new HttpsConfigurator(context));
		server.createContext("/", exchange -> {
			byte[] body = body(exchange.getRequestURI().getPath());
			exchange.getRequestBody().readAllBytes();
			exchange.sendResponseHeaders(200, body.length);
			exchange.getResponseBody().write(body);
			exchange.close();
		});
		server.start();
	}
}
