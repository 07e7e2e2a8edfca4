# shellcheck shell=bash
# buffers, WebAssembly and shared memory, zlib, hashes, JSON, a worker thread and garbage collections

version() {
  need node
  echo "node $(node --version)"
}

run() {
  cat >program.js <<'END'
const { Worker, isMainThread, workerData, parentPort } = require('worker_threads');
const { createHash } = require('crypto');
const zlib = require('zlib');

function fill(bytes, seed) {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  for (let i = 0; i < words.length; i++) words[i] = seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return bytes;
}
const hash = bytes => createHash('md5').update(bytes).digest('hex');

if (!isMainThread) {
  fill(new Uint8Array(workerData), 7);
  parentPort.postMessage(zlib.gzipSync(Buffer.from(workerData).subarray(0, 1 << 18)).length);
} else {
  let kept = [];
  for (let i = 0; i < 400; i++) {
    kept.push(fill(new Uint8Array(64 * (1 + i * 37 % 5000)), i));
    if (kept.length > 40) kept = kept.filter((_, k) => k % 3);
    if (i % 50 === 0) gc();
  }
  console.log(kept.length, hash(Buffer.concat(kept)));
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 2000 });
  memory.grow(1000);
  console.log(hash(fill(new Uint8Array(memory.buffer), 3)));
  const bytes = fill(Buffer.allocUnsafeSlow(5 << 20), 9);
  const back = zlib.brotliDecompressSync(zlib.brotliCompressSync(bytes,
    { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } }));
  console.log(back.equals(bytes), hash(zlib.inflateSync(zlib.deflateSync(bytes))));
  const data = JSON.parse(JSON.stringify(Array.from({ length: 100000 }, (_, i) => ({ i, text: 'x'.repeat(i % 50) }))));
  console.log(data.reduce((sum, { i, text }) => (sum * 31 + i + text.length) % 1000003, 0));
  const shared = new SharedArrayBuffer(8 << 20);
  new Worker(__filename, { workerData: shared }).on('message', size => console.log(size, hash(Buffer.from(shared))));
}
END
  node --expose-gc program.js
}
