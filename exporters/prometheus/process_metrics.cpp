#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/read_file.hpp"
#include "prometheus/metric_tables.hpp"

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

double cpu_seconds() {
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double file_limit() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  return static_cast<double>(files.rlim_cur);
}

/// In bytes; 0 when there is no such process.
struct Memory {
  double total = 0, resident = 0;
};

Memory memory_of(const std::string& process) {
  double total = 0, resident = 0;
  const auto text = read_file("/proc/" + process + "/statm");
  if (text) std::istringstream(*text) >> total >> resident;
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  return {.total = total * page, .resident = resident * page};
}

double resident_memory() {
  return memory_of("self").resident;
}

double virtual_memory() {
  return memory_of("self").total;
}

/// What this process reads about itself.
template <double (*value)()>
void add_own(const Scrape&, FamilyBuilder& family) {
  family.add({}, value());
}

void add_web_memory(const Scrape& scrape, FamilyBuilder& family) {
  family.add({}, memory_of(std::to_string(scrape.sources.web_process)).resident);
}

void add_configuration(const Scrape& scrape, FamilyBuilder& family) {
  const bool good = scrape.sources.agent.config_good && scrape.sources.web_config_good();
  family.count({}, good ? 1 : 0);
}

void add_build(const Scrape& scrape, FamilyBuilder& family) {
  family.count({scrape.options.version, scrape.options.revision, __VERSION__}, 1);
}

using enum MetricType;

constexpr Metric kConfiguration[] = {
    {{"sockward_config_last_reload_successful", gauge, "",
      "1 when the configuration was last read successfully.", true},
     add_configuration},
};

constexpr Metric kProcess[] = {
    {{"sockward_build_info", gauge, "version,revision,compiler", "1; what was built.", true}, add_build},
    {{"process_cpu_seconds_total", counter, "", "User and system CPU time of the agent.", true},
     add_own<cpu_seconds>},
    {{"process_resident_memory_bytes", gauge, "", "Resident memory of the agent.", true},
     add_own<resident_memory>},
    {{"sockward_web_resident_memory_bytes", gauge, "",
      "Resident memory of the process that serves HTTP, most of it shared with the agent; "
      "0 when it cannot be read.",
      true},
     add_web_memory},
    {{"process_virtual_memory_bytes", gauge, "", "Virtual memory of the agent.", true},
     add_own<virtual_memory>},
    {{"process_open_fds", gauge, "", "Open file descriptors of the agent.", true}, add_own<count_open_files>},
    {{"process_max_fds", gauge, "", "Limit of open file descriptors of the agent.", true},
     add_own<file_limit>},
    {{"process_start_time_seconds", gauge, "", "Start time of the agent since the epoch.", true},
     add_own<start_time>},
};

}  // namespace

MetricTable configuration_metrics() {
  return kConfiguration;
}

MetricTable process_metrics() {
  return kProcess;
}

}  // namespace sockward
