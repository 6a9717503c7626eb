// The page's style and script. Nothing from outside; the page works without the script.
#include "cli/web_pages.hpp"

namespace sockward {
namespace {

constexpr const char* kStyle = R"css(
:root { color-scheme: light dark; --back: #fbfbf8; --card: #ffffff; --ink: #1d2021; --soft: #665c54; --line: #e3ddd0;
  --info: #458588; --warn: #b57614; --error: #cc241d; --accent: #076678; --chip: #f2ede0; }
@media (prefers-color-scheme: dark) { :root { --back: #161819; --card: #1f2223; --ink: #ebdbb2; --soft: #a89984; --line: #34383a;
  --info: #83a598; --warn: #fabd2f; --error: #fb4934; --accent: #83a598; --chip: #2b2f30; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 15px/1.55 system-ui, sans-serif; }
header, main { max-width: 76rem; margin: 0 auto; padding: 0 1rem; }
header { display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; align-items: baseline; padding-top: 1.2rem; }
h1 { font-size: 1.35rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .6rem; }
a { color: var(--accent); } code, .mono { font-family: ui-monospace, monospace; font-size: .93em; }
nav { display: flex; gap: 1rem; } .soft { color: var(--soft); }
.columns { display: grid; grid-template-columns: minmax(0, 1fr) 19rem; gap: 0 2rem; }
@media (max-width: 60rem) { .columns { grid-template-columns: minmax(0, 1fr); } }
form { display: flex; flex-wrap: wrap; gap: .6rem; align-items: end; margin: 1rem 0; }
label { display: grid; font-size: .82rem; color: var(--soft); min-width: 0; }
select, button { font: inherit; padding: .3rem .5rem; border: 1px solid var(--line); border-radius: 6px; background: var(--card);
  color: var(--ink); max-width: 17rem; }
button { cursor: pointer; }
article { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--warn); border-radius: 8px;
  padding: .6rem .9rem; margin: .7rem 0; overflow-wrap: anywhere; }
article.info { border-left-color: var(--info); } article.error { border-left-color: var(--error); }
article p { margin: .25rem 0; } article strong { font-weight: 600; }
.meta { display: flex; flex-wrap: wrap; gap: .3rem .6rem; align-items: center; font-size: .82rem; color: var(--soft); }
.chip { background: var(--chip); border-radius: 999px; padding: .05rem .6rem; color: var(--ink); }
ul { margin: .3rem 0; padding-left: 1.1rem; color: var(--soft); } .fix { border-top: 1px dashed var(--line); padding-top: .3rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .88rem; }
th, td { text-align: left; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 500; } .no { color: var(--error); } .yes { color: var(--info); }
aside ol { list-style: none; padding: 0; margin: 0; } aside li { display: grid; grid-template-columns: 1fr auto; gap: 0 .5rem; font-size: .88rem; }
aside progress { grid-column: 1 / -1; width: 100%; height: .45rem; accent-color: var(--accent); margin-bottom: .5rem; }
details { margin: 1rem 0; } summary { cursor: pointer; color: var(--soft); } .empty { padding: 2.5rem 0; text-align: center; color: var(--soft); }
)css";

// Fetches the page again and puts its <main> in the place of the old one, unless somebody is busy with the
// form.
constexpr const char* kScript = R"js(
'use strict';
const seconds = 5;
async function refresh() {
  const busy = document.activeElement && document.activeElement.closest('form');
  if (document.hidden || busy) return;
  try {
    const answer = await fetch(location.href, { cache: 'no-store' });
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('main');
    const open = [...document.querySelectorAll('details')].map(d => d.open);
    document.querySelector('main').replaceWith(fresh);
    document.querySelectorAll('details').forEach((d, i) => { d.open = Boolean(open[i]); });
    document.getElementById('live').textContent = 'live';
  } catch (error) {
    document.getElementById('live').textContent = 'the agent does not answer';
  }
}
document.getElementById('live').textContent = 'live';
setInterval(refresh, seconds * 1000);
document.addEventListener('change', event => { if (event.target.form) event.target.form.submit(); });
)js";

}  // namespace

HttpResponse page_style() {
  return {.content_type = "text/css; charset=utf-8", .body = kStyle};
}

HttpResponse page_script() {
  return {.content_type = "text/javascript; charset=utf-8", .body = kScript};
}

}  // namespace sockward
