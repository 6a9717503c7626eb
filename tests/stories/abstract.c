/* Listens on an abstract name, or (without one) only waits: what is dumped and restored. */
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc > 1) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t length = strlen(argv[1]);
    if (length >= sizeof(address.sun_path)) return 2;
    memcpy(address.sun_path + 1, argv[1], length);
    const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr*)&address, offsetof(struct sockaddr_un, sun_path) + 1 + length) != 0)
      return 1;
    if (listen(listener, 8) != 0) return 1;
  }
  for (;;) pause();
}
