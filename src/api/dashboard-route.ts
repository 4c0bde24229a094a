import type { FastifyInstance } from 'fastify'

/** Where the web dashboard will be. Until then the page says what answers the same questions; it shows nothing that needs a token. */
export function dashboardRoute(app: FastifyInstance): void {
  app.get('/dashboard', { config: { access: 'open' } }, (_, reply) =>
    reply
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'")
      .type('text/html; charset=utf-8')
      .send(page),
  )
}

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Skerry</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; color-scheme: light dark }
  code { font: 14px ui-monospace, monospace }
  td { padding-right: 2rem }
</style>
<h1>Skerry</h1>
<p>This control plane works; its web dashboard is still to come. The same answers are in the command line:</p>
<table>
  <tr><td><code>skerry status</code></td><td>everything on one screen, problems first</td></tr>
  <tr><td><code>skerry get zones</code></td><td>zones, and whether they are there</td></tr>
  <tr><td><code>skerry get meshservices</code></td><td>services of all zones</td></tr>
  <tr><td><code>skerry inspect dataplane NAME</code></td><td>what one proxy does, and by whose word</td></tr>
</table>
</html>
`
