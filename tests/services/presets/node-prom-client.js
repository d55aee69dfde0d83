// A service that exports itself by prom-client: `node node-prom-client.js PORT`.
// Needs (npm): prom-client@15.1.3; NODE_PATH says where it is.
"use strict";

const http = require("node:http");
const client = require("prom-client");

client.collectDefaultMetrics();
const duration = new client.Histogram({
  name: "http_request_duration_seconds",
  help: "How long requests took.",
  labelNames: ["route", "status_code"],
});

// Holds the loop: nothing else has a turn meanwhile.
function stall(seconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000);
}

const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, "http://service");
  if (url.pathname === "/metrics") {
    response.setHeader("Content-Type", client.register.contentType);
    return response.end(await client.register.metrics());
  }
  const end = duration.startTimer({ route: url.pathname });
  await new Promise(setImmediate);
  if (url.pathname === "/stall") stall(Number(url.searchParams.get("s") || 0.3));
  response.statusCode = url.pathname === "/fail" ? 500 : 200;
  response.end("done\n");
  end({ status_code: response.statusCode });
});
server.keepAliveTimeout = 60000;
server.listen(Number(process.argv[2]));
