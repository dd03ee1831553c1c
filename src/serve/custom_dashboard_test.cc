#include "serve/custom_dashboard.h"

#include <gtest/gtest.h>

#include "state/dashboard_document.h"

namespace sightline::serve {
namespace {

query::MetricInfo Named(const std::string& name, query::MetricKind kind = query::MetricKind::kGauge) {
  query::MetricInfo metric;
  metric.key.name = name;
  metric.key.kind = kind;
  return metric;
}

TEST(CustomDashboard, HasAPanelForEachMetricWhateverItIsCalled) {
  std::vector<query::MetricInfo> metrics = {
      Named("queue.length"), Named(std::string(1024, 'x')), Named("quo\"te\n\\"), Named(std::string(300, '\xFF')),
      Named("\xC3\xA4" + std::string(199, '\xC3'), query::MetricKind::kHistogram)};
  metrics[0].description = std::string(5000, '\xFE');
  metrics[0].attribute_keys = {""};
  metrics[1].attribute_keys = {"\xFF"};
  const auto document = state::ReadDashboardDocument(CustomDashboardJson(metrics));
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->panels, metrics.size());
}

TEST(CustomDashboard, SaysHowManyItLeavesOut) {
  std::vector<query::MetricInfo> metrics;
  for (size_t i = 0; i <= kCustomPanelsMax; ++i) metrics.push_back(Named("m" + std::to_string(i)));
  const auto document = state::ReadDashboardDocument(CustomDashboardJson(metrics));
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->panels, kCustomPanelsMax);
  EXPECT_NE(document->description.find("first 60 of 61"), std::string::npos) << document->description;
}

}  // namespace
}  // namespace sightline::serve
