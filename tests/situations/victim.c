// An actor of a situation: it carries out a plan, one operation a line, with nothing between two operations
// but the next one, so that a change or an exit may follow a call within a microsecond.
//
//   victim [ignored argument…]   fd 3: the plan; fd 4: the results, shared memory of `struct result`;
//                                fd 5: written to by "say"; fd 6: read by "wait"
// A line is: slot operation argument…; bytes are in hex, "-" for none. What an operation returned stands in
// its slot. Slots are shared by all actors of a situation: "at" waits until another one's call has returned.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "operations.h"

enum { kOps = 512, kPlanMax = 1 << 20, kLongest = 90 };

static int my_pid;
static struct op ops[kOps];
static int op_count;

// Bytes of a hex argument, with zeros after them: an address may be said to be longer than it is.
static char* unhex(const char* text, size_t* length) {
  const size_t digits = text[0] == '-' ? 0 : strlen(text);
  char* bytes = calloc(1, digits / 2 + 512);
  for (size_t at = 0; at + 1 < digits; at += 2) {
    const char pair[3] = {text[at], text[at + 1], 0};
    bytes[at / 2] = (char)strtoul(pair, NULL, 16);
  }
  *length = digits / 2;
  return bytes;
}

static void parse(char* plan) {
  char *line, *lines = plan;
  while ((line = strsep(&lines, "\n")) != NULL && op_count < kOps) {
    if (*line == 0) continue;
    struct op* op = &ops[op_count++];
    char* words = line;
    op->slot = atoi(strsep(&words, " "));
    op->name = strsep(&words, " ");
    for (int n = 0; n < kArguments && words != NULL; ++n) {
      op->text[n] = strsep(&words, " ");
      op->number[n] = strtol(op->text[n], NULL, 0);
      op->bytes[n] = unhex(op->text[n], &op->length[n]);
    }
    op->run = find_operation(op->name);
    if (op->run == NULL && strcmp(op->name, "fork") != 0 && strcmp(op->name, "end") != 0) {
      fprintf(stderr, "no such operation: %s\n", op->name);
      exit(2);
    }
  }
}

static int end_of(int at) {
  int depth = 0;
  for (int n = at; n < op_count; ++n) {
    depth += strcmp(ops[n].name, "fork") == 0;
    depth -= strcmp(ops[n].name, "end") == 0;
    if (depth == 0) return n;
  }
  return op_count;
}

// The child carries out what stands before the matching "end" and stops there, the parent goes on behind it.
// The child has its pid from the parent: as it numbers itself may be another one.
static int do_fork(int at) {
  struct result* slot = &results[ops[at].slot];
  const pid_t child = fork();
  if (child != 0) {
    slot->returned = child;
    slot->error = errno;
    slot->done = 1;
    return end_of(at);
  }
  bound_to_parent = false;
  alarm(kLongest);
  while (!slot->done) usleep(50);
  my_pid = (int)slot->returned;
  return at;
}

static void run(void) {
  for (int n = 0; n < op_count; ++n) {
    struct op* op = &ops[n];
    if (strcmp(op->name, "fork") == 0) {
      n = do_fork(n);
      continue;
    }
    if (strcmp(op->name, "end") == 0) _exit(0);
    struct result* slot = &results[op->slot];
    slot->pid = my_pid;
    slot->began = now();
    errno = 0;
    slot->returned = op->run(op);
    slot->error = errno;
    slot->ended = now();
    slot->done = 1;
  }
}

int main(void) {
  stay_bound(0);
  alarm(kLongest);
  signal(SIGPIPE, SIG_IGN);
  umask(0);
  static char plan[kPlanMax];
  size_t size = 0;
  for (ssize_t got; (got = read(3, plan + size, sizeof(plan) - 1 - size)) > 0;) size += (size_t)got;
  results = mmap(NULL, kSlots * sizeof(struct result), PROT_READ | PROT_WRITE, MAP_SHARED, 4, 0);
  if (results == MAP_FAILED) return 2;
  my_pid = getpid();
  parse(plan);
  run();
  return 0;
}
