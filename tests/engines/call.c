/* In containers: call bind|hold|connect ADDRESS, call rename NAME. ADDRESS: tcp:PORT or a path of a socket.
   One call, its result on standard output; it stays a while after a failure, as a program that tries again
   would; `hold` serves until it is killed. Linked statically, so that it runs in any root. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int on_address(const char* text, int connects, int* socket_made) {
  if (strncmp(text, "tcp:", 4) == 0) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(text + 4))};
    if (connects) address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *socket_made = socket(AF_INET, SOCK_STREAM, 0);
    return (connects ? connect : bind)(*socket_made, (struct sockaddr*)&address, sizeof(address));
  }
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(text) >= sizeof(address.sun_path)) exit(2);
  memcpy(address.sun_path, text, strlen(text));
  *socket_made = socket(AF_UNIX, SOCK_STREAM, 0);
  return (connects ? connect : bind)(*socket_made, (struct sockaddr*)&address, sizeof(address));
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  int fd = -1, result;
  if (strcmp(argv[1], "rename") == 0)
    result = sethostname(argv[2], strlen(argv[2]));
  else
    result = on_address(argv[2], strcmp(argv[1], "connect") == 0, &fd);
  printf("%s %s %s\n", argv[1], argv[2], result == 0 ? "done" : strerror(errno));
  fflush(stdout);
  if (strcmp(argv[1], "hold") == 0 && result == 0 && listen(fd, 8) == 0)
    for (;;) pause();
  usleep(300000);
  return result != 0;
}
