'use strict';
// Fetches the page again and replaces its <main>, unless somebody is using the form. The page works without.
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
