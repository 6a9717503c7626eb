/* Preloaded into CRIU, it takes away what mended criu#2499: the number of a run, which is part of the
   abstract names that a restore binds for itself, is the same in all runs. */
void uuid_generate(unsigned char* id) {
  for (int i = 0; i < 16; ++i) id[i] = 0x11;
}
