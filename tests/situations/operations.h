// What the plan of an actor (victim.c) and its operations (operations.c) share.
#ifndef SOCKWARD_TESTS_SITUATIONS_OPERATIONS_H
#define SOCKWARD_TESTS_SITUATIONS_OPERATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { kArguments = 6, kSlots = 4096 };

struct result {
  int64_t returned;
  int32_t error;
  int32_t pid;  // as the first pid namespace numbers it
  int64_t began, ended;
  volatile int32_t done;
  int32_t unused;
};

struct op {
  int slot;
  const char* name;
  char* text[kArguments];
  long number[kArguments];
  size_t length[kArguments];
  char* bytes[kArguments];
  long (*run)(struct op*);
};

extern struct result* results;
extern bool bound_to_parent;  // ends when the parent does: all but the children of an actor

int64_t now(void);
long stay_bound(long value);
long (*find_operation(const char* name))(struct op*);

#endif
