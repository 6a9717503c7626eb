#pragma once
#include "prometheus/metric.hpp"

namespace sockward {

// Every table of metrics. The catalogue and the page list them, each in an order of its own, and
// metrics_page_test compares the two. A new metric is a row in one of the tables.

// call_metrics.cpp
MetricTable call_metrics();
// diagnosis_metrics.cpp
MetricTable diagnosis_metrics();
// name_metrics.cpp
MetricTable hostname_change_metrics();
MetricTable host_rename_metrics();
MetricTable hostname_failure_metrics();
MetricTable name_metrics();
// loss_metrics.cpp
MetricTable record_metrics();
MetricTable overflow_metrics();
MetricTable limit_metrics();
// program_metrics.cpp
MetricTable missed_run_metrics();
MetricTable run_time_metrics();
MetricTable probe_metrics();
// delivery_metrics.cpp
MetricTable delivery_metrics();
// store_metrics.cpp
MetricTable store_metrics();
// process_metrics.cpp
MetricTable configuration_metrics();
MetricTable process_metrics();

}  // namespace sockward
