// A service that exports itself by OpenTelemetry: `node node-otel.js PORT [PORT_OF_METRICS]`.
// The page is at /metrics of a port of its own, PORT + 1 unless it is given, as the exporter has it.
// Needs (npm): @opentelemetry/sdk-metrics@2.12.1 @opentelemetry/exporter-prometheus@0.223.0
// @opentelemetry/instrumentation@0.223.0 @opentelemetry/instrumentation-http@0.223.0
// @opentelemetry/instrumentation-runtime-node@0.36.1 @opentelemetry/host-metrics@0.39.0;
// NODE_PATH says where they are.
"use strict";

const { PrometheusExporter } = require("@opentelemetry/exporter-prometheus");
const { HostMetrics } = require("@opentelemetry/host-metrics");
const { registerInstrumentations } = require("@opentelemetry/instrumentation");
const { HttpInstrumentation } = require("@opentelemetry/instrumentation-http");
const { RuntimeNodeInstrumentation } = require("@opentelemetry/instrumentation-runtime-node");
const { MeterProvider } = require("@opentelemetry/sdk-metrics");

const port = Number(process.argv[2]);
const reader = new PrometheusExporter({ port: Number(process.argv[3] || port + 1) });
const meterProvider = new MeterProvider({ readers: [reader] });
registerInstrumentations({
  meterProvider,
  instrumentations: [
    // The page of metrics is no request of the load.
    new HttpInstrumentation({ ignoreIncomingRequestHook: (it) => it.url === "/metrics" }),
    new RuntimeNodeInstrumentation(),
  ],
});
new HostMetrics({ meterProvider, metricGroups: ["process.cpu", "process.memory"] }).start();

const http = require("node:http"); // after the instrumentation, which wraps it

// Holds the loop: nothing else has a turn meanwhile.
function stall(seconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000);
}

const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, "http://service");
  await new Promise(setImmediate);
  if (url.pathname === "/stall") stall(Number(url.searchParams.get("s") || 0.3));
  response.statusCode = url.pathname === "/fail" ? 500 : 200;
  response.end("done\n");
});
server.keepAliveTimeout = 60000;
server.listen(port);
