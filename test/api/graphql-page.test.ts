import fastify from 'fastify'
import t from 'tap'
import { registerPage } from '../../src/api/graphql/page.ts'

t.test('the page and everything it loads come from here, and may not go elsewhere', async (t) => {
  const app = fastify()
  await registerPage(app)
  const get = (url: string) => app.inject({ method: 'GET', url })
  const { statusCode, body: text, headers } = await get('/graphiql')
  t.equal(statusCode, 200)
  t.match(headers['content-type'], /^text\/html/)
  const policy = String(headers['content-security-policy'])
  t.match(policy, /^default-src 'self';/)
  t.notMatch(
    policy,
    /https?:|\*|unsafe-eval|script-src|connect-src/,
    'scripts and requests: this origin alone, none inline',
  )
  t.notMatch(
    text.replaceAll(/<script [^>]*src="[^"]+"[^>]*><\/script>/g, ''),
    /<script/,
    'no inline script, which the policy would stop',
  )
  t.equal((await get('/graphiql/')).body, text, 'with a slash at its end, too')
  const seen = new Set<string>()
  const wanted = referencesIn('index.html', text)
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (seen.has(name)) continue
    seen.add(name)
    const asset = await get(`/graphiql/${name}`)
    t.equal(asset.statusCode, 200, name)
    t.equal(asset.headers['content-security-policy'], policy)
    if (/\.(js|css|html)$/.test(name)) {
      t.notMatch(asset.body, foreign, `${name} loads nothing from elsewhere`)
      wanted.push(...referencesIn(name, asset.body))
    }
  }
  t.notMatch(text, foreign)
  t.ok(
    seen.has('main.js') && seen.has('styles.css') && seen.has('initial_options.js') && seen.size > 20,
    `${seen.size} files`,
  )
  for (const name of ['../package.json', '..%2findex.js', 'iframe-sandbox/index.html', 'none.js']) {
    t.equal((await get(`/graphiql/${name}`)).statusCode, 404, name)
  }
})

/** What a browser would load by itself from another origin. Links to follow, and texts, are no matter. */
const foreign =
  /(?:\bimport\s*\(?|\bfrom|\bfetch\(|\bimportScripts\(|new Worker\(|@import(?: url\()?|url\(|<[a-z]+ [^>]{0,200}(?:src|href)=)\s?["'`]?(?:https?:)?\/\/[a-z0-9]/

/** Files that a page, script or style sheet names, relative to the page's folder. */
function referencesIn(name: string, text: string): string[] {
  const patterns = name.endsWith('.css')
    ? [/url\("?\.\/([\w./-]+)/g]
    : name.endsWith('.js')
      ? [/(?:\bfrom|\bimport\(?|new URL\()\s*"\.?\/?((?:chunk|worker)-[\w-]+\.js)"/g]
      : [/(?:src|href)="([\w./-]+\.\w+)"/g]
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1] ?? ''))
}
