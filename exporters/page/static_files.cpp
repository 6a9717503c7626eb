// The page's style and script: exporters/page/style.css and script.js, embedded by CMake.
#include "page/page.hpp"

namespace sockward {
namespace {

constexpr const char* kStyle =
#include "page/style.css.inc"
    ;
constexpr const char* kScript =
#include "page/script.js.inc"
    ;

}  // namespace

HttpResponse page_style() {
  return {.content_type = "text/css; charset=utf-8", .body = kStyle};
}

HttpResponse page_script() {
  return {.content_type = "text/javascript; charset=utf-8", .body = kScript};
}

}  // namespace sockward
