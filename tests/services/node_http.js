// The routes of asgi.py in Node's own http: `node node_http.js HOST PORT`.
// /pool computes in the threads of libuv, of which there are 4 unless UV_THREADPOOL_SIZE says
// otherwise: nothing that Node has sleeps there.
"use strict";

const crypto = require("node:crypto");
const http = require("node:http");
const { performance } = require("node:perf_hooks");

// How often the ticker wants to run, and from which lag on it keeps one as a stall; milliseconds.
const TICK = 5;
const STALL = 100;
const THREADS = Number(process.env.UV_THREADPOOL_SIZE || 4);

const truth = { active: 0, tasks: 0 };
function reset() {
  Object.assign(truth, { maxLag: 0, stalls: [], peak: truth.active, waitingPeak: 0 });
}
reset();

const waiting = () => Math.max(0, truth.tasks - THREADS);

let last = performance.now();
setInterval(() => {
  const now = performance.now();
  const lag = now - last - TICK;
  last = now;
  truth.maxLag = Math.max(truth.maxLag, lag);
  truth.waitingPeak = Math.max(truth.waitingPeak, waiting());
  if (lag >= STALL) truth.stalls.push({ ended: Date.now() / 1000, seconds: lag / 1000 });
}, TICK);

function told() {
  return {
    pid: process.pid,
    max_lag: Math.max(0, truth.maxLag) / 1000,
    stalls: truth.stalls,
    active: truth.active,
    active_peak: truth.peak,
    pool_threads: THREADS,
    pool_waiting: waiting(),
    pool_waiting_peak: truth.waitingPeak,
  };
}

// How many rounds take a millisecond.
const began = performance.now();
crypto.pbkdf2Sync("p", "s", 50000, 32, "sha256");
const rounds = 50000 / (performance.now() - began);

function block(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms); // blocks the loop
}

function compute(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end) Math.sqrt(Math.random()); // computes on the loop
}

function work(path, ms, done) {
  if (path === "/block") block(ms);
  if (path === "/cpu") compute(ms);
  if (path === "/await") return setTimeout(done, ms);
  if (path === "/pool") {
    truth.tasks += 1;
    return crypto.pbkdf2("p", "s", Math.max(1, Math.round(ms * rounds)), 32, "sha256", () => {
      truth.tasks -= 1;
      done();
    });
  }
  return done();
}

const server = http.createServer((request, response) => {
  const url = new URL(request.url, "http://service");
  if (url.pathname === "/truth") {
    response.end(JSON.stringify(told()));
    if (url.search === "?reset") reset();
    return;
  }
  truth.active += 1;
  truth.peak = Math.max(truth.peak, truth.active);
  work(url.pathname, Number(url.searchParams.get("ms") || 0), () => {
    truth.active -= 1;
    response.end("done\n");
  });
});
// A client that asks seldom keeps its connection.
server.keepAliveTimeout = 60000;
server.listen(Number(process.argv[3]), process.argv[2]);
