import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;

/** Client MILLISECONDS HOST PORT: connects as Java programs do, and says how that went. */
final class Client {
  public static void main(String[] arguments) {
    try (Socket socket = new Socket()) {
      socket.connect(
          new InetSocketAddress(arguments[1], Integer.parseInt(arguments[2])),
          Integer.parseInt(arguments[0]));
      System.out.println("connected");
    } catch (IOException error) {
      System.out.println(error);
      System.exit(1);
    }
  }

  private Client() {}
}
