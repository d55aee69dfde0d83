// A service that exports itself by client_golang: `go-service PORT`.
//
// All handlers need one lock; /stall sleeps while it holds it, and /cpu computes for so long in n goroutines.
package main

import (
	"net/http"
	"os"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

var lock sync.Mutex

func seconds(request *http.Request) time.Duration {
	s, err := strconv.ParseFloat(request.URL.Query().Get("s"), 64)
	if err != nil {
		s = 0.3
	}
	return time.Duration(s * float64(time.Second))
}

func calm(writer http.ResponseWriter, request *http.Request) {
	lock.Lock()
	defer lock.Unlock()
	writer.Write([]byte("done\n"))
}

func fail(writer http.ResponseWriter, request *http.Request) {
	writer.WriteHeader(http.StatusInternalServerError)
}

func stall(writer http.ResponseWriter, request *http.Request) {
	lock.Lock()
	defer lock.Unlock()
	time.Sleep(seconds(request))
}

func cpu(writer http.ResponseWriter, request *http.Request) {
	end := time.Now().Add(seconds(request))
	n, _ := strconv.Atoi(request.URL.Query().Get("n"))
	var group sync.WaitGroup
	for range make([]struct{}, n) {
		group.Add(1)
		go func() {
			defer group.Done()
			for time.Now().Before(end) {
			}
		}()
	}
	group.Wait()
}

func main() {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(
			collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile("^/sched/.*")})),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	inFlight := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "http_requests_in_flight", Help: "Requests that are served."})
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "http_request_duration_seconds", Help: "How long requests took."}, []string{"code", "method"})
	registry.MustRegister(inFlight, duration)

	routes := http.NewServeMux()
	routes.HandleFunc("/", calm)
	routes.HandleFunc("/fail", fail)
	routes.HandleFunc("/stall", stall)
	routes.HandleFunc("/cpu", cpu)
	http.Handle("/", promhttp.InstrumentHandlerInFlight(inFlight,
		promhttp.InstrumentHandlerDuration(duration, routes)))
	http.HandleFunc("/healthz", calm) // not counted: the probe's requests are no load
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	panic(http.ListenAndServe(":"+os.Args[1], nil))
}
