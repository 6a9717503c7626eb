#include "prometheus/process_metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/read_file.hpp"
#include "prometheus/family_builder.hpp"

namespace sockward {
namespace {

double count_open_files() {
  std::error_code error;
  double count = 0;
  for (auto entry = std::filesystem::directory_iterator("/proc/self/fd", error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    ++count;
  return count - 1;  // the folder itself
}

double start_time() {
  const auto stat = read_file("/proc/self/stat");
  const std::string text = stat ? *stat : std::string();
  std::istringstream fields(text.substr(std::min(text.rfind(')') + 2, text.size())));
  std::string field;
  for (int i = 0; i < 20; ++i) fields >> field;  // start time: the twentieth behind the command (proc(5))
  timespec real{}, boot{};
  clock_gettime(CLOCK_REALTIME, &real);
  clock_gettime(CLOCK_BOOTTIME, &boot);
  const double now =
      static_cast<double>(real.tv_sec - boot.tv_sec) + static_cast<double>(real.tv_nsec - boot.tv_nsec) / 1e9;
  return now + std::strtod(field.c_str(), nullptr) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

struct Pages {
  double total = 0, resident = 0;
};

/// 0 when there is no such process.
Pages pages_of(const std::string& process) {
  Pages pages;
  const auto text = read_file("/proc/" + process + "/statm");
  if (text) std::istringstream(*text) >> pages.total >> pages.resident;
  return pages;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

std::vector<prometheus::MetricFamily> process_metrics(pid_t web_process) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  const Pages own = pages_of("self"), web = pages_of(std::to_string(web_process));
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  const auto one = [](const char* name, double value) { return FamilyBuilder(name).add({}, value).take(); };
  return {one("process_cpu_seconds_total", seconds(usage.ru_utime) + seconds(usage.ru_stime)),
          one("process_resident_memory_bytes", own.resident * page),
          one("sockward_web_resident_memory_bytes", web.resident * page),
          one("process_virtual_memory_bytes", own.total * page),
          one("process_open_fds", count_open_files()),
          one("process_max_fds", static_cast<double>(files.rlim_cur)),
          one("process_start_time_seconds", start_time())};
}

}  // namespace sockward
