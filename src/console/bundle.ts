import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { build, stop } from 'esbuild';

/** A file of the pages as it is sent: ready compressed, under a name that changes with its content. */
export interface Asset {
  /** e.g. `main-3F2A9C1B.js` */
  name: string;
  contentType: string;
  plain: Buffer;
  gzip: Buffer;
  brotli: Buffer;
}

export interface Bundle {
  assets: Map<string, Asset>;
  /** Names the page itself loads; whatever else there is comes when it is needed. */
  script: string;
  style: string;
  /** Further modules that the script cannot start without: the browser may fetch them at the same time. */
  preload: string[];
}

const entry = fileURLToPath(new URL('./web/main.tsx', import.meta.url));

/**
 * Bundles the console's pages from their sources, in this process and in memory: about a third of a second once per
 * process, and no step of its own for whoever starts the product. The editor and the plots become files of their own.
 */
export async function bundlePages(): Promise<Bundle> {
  const built = await build({
    entryPoints: [entry],
    outdir: 'assets',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    minify: true,
    write: false,
    metafile: true,
    jsx: 'automatic',
    jsxImportSource: 'preact',
    target: ['es2022'],
    legalComments: 'none',
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'silent',
  });
  // Its child process has done all it was needed for.
  await stop();
  const assets = await Promise.all(built.outputFiles.map((file) => asset(file.path, file.contents)));
  const names = assets.map((one) => one.name);
  const script = names.find((name) => name.startsWith('main-') && name.endsWith('.js')) ?? '';
  const output = Object.entries(built.metafile.outputs).find(([path]) => basename(path) === script)?.[1];
  return {
    assets: new Map(assets.map((one) => [one.name, one])),
    script,
    style: names.find((name) => name.startsWith('main-') && name.endsWith('.css')) ?? '',
    preload: (output?.imports ?? [])
      .filter((one) => one.kind === 'import-statement')
      .map((one) => basename(one.path)),
  };
}

const contentTypes = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8' };

async function asset(path: string, contents: Uint8Array): Promise<Asset> {
  const plain = Buffer.from(contents);
  // Past this level brotli takes seconds and saves a hundredth.
  const params = { [constants.BROTLI_PARAM_QUALITY]: 9 };
  const [zipped, brotli] = await Promise.all([
    promisify(gzip)(plain),
    promisify(brotliCompress)(plain, { params }),
  ]);
  const name = basename(path);
  return {
    name,
    contentType: name.endsWith('.css') ? contentTypes.css : contentTypes.js,
    plain,
    gzip: zipped,
    brotli,
  };
}
