// Opens traces in Perfetto's user interface, and asks its engine what it has read.
//
// Wrong is what the engine complains of, a slice without an end, and a trace without slices, arrows or counters.
//
// Usage: node open.mjs UI TRACE... [--pictures DIRECTORY]
//
// UI is a directory with a release of ui.perfetto.dev. `scripts/validate-timeline --open` installs all of this.

import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { parseArgs } from 'node:util';

import chromium from '@sparticuz/chromium';
import puppeteer from 'puppeteer-core';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm' };
const LONGEST_MS = 60_000;

/// Serves the interface, and the trace as `/trace`.
function serve(ui, trace) {
    const server = http.createServer((request, response) => {
        const { pathname } = new URL(request.url, 'http://localhost');
        const file = pathname === '/trace' ? trace : path.join(ui, pathname === '/' ? 'index.html' : pathname);
        fs.readFile(file, (error, bytes) => {
            response.writeHead(error ? 404 : 200, {
                'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream',
            });
            response.end(error ? undefined : bytes);
        });
    });
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

/// What the interface's own engine says to a query with one row, by column.
function row(page, query) {
    return page.evaluate(async (query) => {
        const result = await self.app.trace.engine.query(query);
        const first = result.iter({});
        return Object.fromEntries(result.columns().map((column) => [column, String(first.get(column))]));
    }, query);
}

async function open(browser, ui, trace, picture) {
    const server = await serve(ui, trace);
    const address = `http://127.0.0.1:${server.address().port}`;
    const page = await browser.newPage();
    try {
        await page.goto(`${address}/#!/?url=${address}/trace`);
        await page.waitForFunction(() => self.app?.trace?.engine, { timeout: LONGEST_MS });
        await page.waitForFunction(() => document.body.innerText.includes('mnemOS, boot 1'), { timeout: LONGEST_MS });
        const seen = await row(
            page,
            `select (select count(*) from slice where dur >= 0) slices, (select count(*) from flow) arrows,
                (select count(*) from counter) counts, (select count(*) from slice where dur < 0) open,
                (select count(*) from stats where severity != 'info' and value > 0) errors,
                (select count(distinct name) from track) tracks`,
        );
        console.log(`${trace}\n  ${Object.entries(seen).map(([what, count]) => `${count} ${what}`).join(', ')}`);
        if (picture) {
            // A request is chosen, so that its arrows are in the picture.
            await page.evaluate(async () => {
                const query = "select slice_out id from flow join slice on slice.id = slice_out where name like '%echo' limit 1";
                const chosen = (await self.app.trace.engine.query(query)).maybeFirstRow({ id: 0 });
                if (chosen) self.app.trace.selection.selectSqlEvent('slice', chosen.id, { scrollToSelection: true });
            });
            await page.keyboard.press('f');
            await new Promise((resolve) => setTimeout(resolve, 3000));
            await page.screenshot({ path: picture });
        }
        return seen.slices > 0 && seen.arrows > 0 && seen.counts > 0 && seen.open === '0' && seen.errors === '0';
    } finally {
        await page.close();
        server.close();
    }
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { pictures: { type: 'string' } } });
const [ui, ...traces] = positionals;
const browser = await puppeteer.launch({
    args: [...chromium.args, '--no-sandbox'],
    executablePath: await chromium.executablePath(),
    headless: 'shell',
    defaultViewport: { width: 1500, height: 1000 },
});
let wrong = 0;
try {
    for (const trace of traces) {
        const picture = values.pictures && path.join(values.pictures, `${path.basename(trace)}.png`);
        if (!(await open(browser, ui, trace, picture))) {
            wrong += 1;
            console.error(`${trace}: Perfetto does not show what was written; see the line above`);
        }
    }
} finally {
    await browser.close();
}
process.exitCode = wrong === 0 ? 0 : 1;
