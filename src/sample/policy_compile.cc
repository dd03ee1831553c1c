// Policies -> predicates and a tree of votes.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "sample/ottl.h"
#include "sample/policy_program.h"
#include "sample/traceql_condition.h"
#include "traceql/print.h"

namespace sightline::sample::internal {
namespace {

constexpr std::string_view kDefaultSalt = "default-hash-seed";  // the Collector's
constexpr uint64_t kFnvOffset = 14695981039346656037u, kFnvPrime = 1099511628211u;
constexpr size_t kPredicatesMax = 8'192;
// Weights are sums over what chance may do; with many salts that is many cases.
constexpr size_t kChanceCellsMax = 4'096;
constexpr std::string_view kServiceKey = "service.name";

uint64_t SaltState(std::string_view salt) {
  uint64_t state = kFnvOffset;
  for (const char c : salt) state = (state ^ static_cast<uint8_t>(c)) * kFnvPrime;
  return state;
}

// Thread: one.
class Compiler {
 public:
  explicit Compiler(PolicyProgram& program) : program_(program) {}

  Result<void> Run();

 private:
  Result<Node> Compile(const PolicySpec& policy);
  Result<Node> CompileBlock(const PolicySpec& policy);
  Result<Node> CompileGroup(const PolicySpec& policy);
  Result<Node> CompileComposite(const PolicySpec& policy, const CompositeSpec& spec);
  Result<Node> CompileDynamic(const PolicySpec& policy, const DynamicSpec& spec);
  Result<Node> CompileOttl(const OttlConditionSpec& spec);
  Node CompileFilters(traceql::SpansetExpression spans);
  Result<Node> CompileText(const StringAttributeSpec& spec);
  Node CompileNumber(const NumericAttributeSpec& spec);
  Node CompileBool(const BooleanAttributeSpec& spec);
  Node CompileStatus(const StatusCodeSpec& spec);
  Node CompileFlags();
  Node CompileError();
  Node CompileRootLatency(const RootLatencySpec& spec);
  Node CompileTraceState(const TraceStateSpec& spec);
  Node CompileHash(const ProbabilisticSpec& spec);
  Node CompileLimit(const PolicySpec& policy, const LimitSpec& spec);
  Result<Node> ForServices(const PolicySpec& policy, Node node);

  // The bit of the predicate that `identity` describes; `is_new`: it has to be filled in.
  uint16_t BitOf(std::string identity, bool& is_new);
  AttributeSlots SlotsOf(std::string_view key) {
    return {program_.span_keys.Add(key), program_.resource_keys.Add(key)};
  }
  void ReserveIntrinsicBits(const std::vector<PolicySpec>& policies);
  uint16_t SaltOf(std::string_view salt);
  static Node BitNode(uint16_t bit) { return {.op = Node::Op::kBit, .bit = bit}; }
  // 0: certain once the trace is known, 1: limits, 2: chance.
  static int Certainty(const Node& node);
  Result<void> CheckChance();
  void FillNeeds();

  PolicyProgram& program_;
  uint16_t policy_ = 0;  // that is being compiled
};

uint16_t Compiler::BitOf(std::string identity, bool& is_new) {
  const auto [entry, inserted] = program_.bit_of.emplace(std::move(identity), program_.bits);
  is_new = inserted;
  if (inserted) ++program_.bits;
  return entry->second;
}

// These have fast paths with masks of one word, so they come first.
void Compiler::ReserveIntrinsicBits(const std::vector<PolicySpec>& policies) {
  for (const PolicySpec& policy : policies) {
    if (const auto* spec = std::get_if<StatusCodeSpec>(&policy.block)) CompileStatus(*spec);
    if (std::holds_alternative<ErrorSpec>(policy.block)) CompileError();
    if (std::holds_alternative<TraceFlagsSpec>(policy.block)) CompileFlags();
    ReserveIntrinsicBits(policy.children);
  }
}

uint16_t Compiler::SaltOf(std::string_view salt) {
  const uint64_t state = SaltState(salt);
  const auto found = std::ranges::find_if(program_.salts, [&](const Salt& known) { return known.state == state; });
  if (found != program_.salts.end()) return static_cast<uint16_t>(found - program_.salts.begin());
  program_.salts.push_back({.state = state, .thresholds = {}});
  return static_cast<uint16_t>(program_.salts.size() - 1);
}

Node Compiler::CompileStatus(const StatusCodeSpec& spec) {
  uint32_t mask = 0;
  for (const std::string& code : spec.status_codes) mask |= code == "UNSET" ? 1 : code == "OK" ? 2 : 4;
  bool is_new = false;
  const uint16_t bit = BitOf(fmt::format("status {}", mask), is_new);
  for (uint32_t status = 0; status < 3; ++status) {
    if ((mask & 1u << status) != 0) program_.status_bits[status] |= uint64_t{1} << bit;
  }
  return BitNode(bit);
}

Node Compiler::CompileFlags() {
  bool is_new = false;
  const uint16_t bit = BitOf("sampled flag", is_new);
  program_.sampled_flag_bits = uint64_t{1} << bit;
  return BitNode(bit);
}

Node Compiler::CompileError() {
  bool is_new = false;
  const uint16_t bit = BitOf("error", is_new);
  program_.status_bits[2] |= uint64_t{1} << bit;
  program_.error_bits |= uint64_t{1} << bit;
  program_.http_status_slot = program_.span_keys.Add("http.response.status_code");
  program_.old_http_status_slot = program_.span_keys.Add("http.status_code");
  return BitNode(bit);
}

Node Compiler::CompileRootLatency(const RootLatencySpec& spec) {
  bool is_new = false;
  const uint16_t bit = BitOf(fmt::format("root latency {}", spec.threshold_ms), is_new);
  if (is_new) program_.root_latencies.push_back({spec.threshold_ms, bit});
  return BitNode(bit);
}

Node Compiler::CompileTraceState(const TraceStateSpec& spec) {
  std::string identity = "trace state " + spec.key;
  std::vector<std::string> values;
  for (const std::string& value : spec.values) {
    if (value.empty() || spec.key.size() + value.size() >= 256) continue;  // no tracestate could hold it
    values.push_back(value);
    identity += '\0' + value;
  }
  bool is_new = false;
  const uint16_t bit = BitOf(std::move(identity), is_new);
  if (is_new) program_.trace_states.push_back({spec.key, std::move(values), bit});
  return BitNode(bit);
}

Node Compiler::CompileNumber(const NumericAttributeSpec& spec) {
  const int64_t min = spec.min_value == 0 ? INT64_MIN : spec.min_value;
  const int64_t max = spec.max_value == 0 ? INT64_MAX : spec.max_value;
  bool is_new = false;
  const uint16_t bit = BitOf(fmt::format("int {} {} {}", min, max, spec.key), is_new);
  if (is_new) {
    program_.attributes.push_back({AttributePredicate::Kind::kIntRange, SlotsOf(spec.key), bit, min, max, nullptr});
  }
  Node node = BitNode(bit);
  node.invert = spec.invert_match;
  return node;
}

Node Compiler::CompileBool(const BooleanAttributeSpec& spec) {
  bool is_new = false;
  const uint16_t bit = BitOf(fmt::format("bool {} {}", spec.value, spec.key), is_new);
  if (is_new) {
    program_.attributes.push_back({AttributePredicate::Kind::kBool, SlotsOf(spec.key), bit, spec.value, 0, nullptr});
  }
  Node node = BitNode(bit);
  node.invert = spec.invert_match;
  return node;
}

Result<Node> Compiler::CompileText(const StringAttributeSpec& spec) {
  auto texts = spec.enabled_regex_matching ? TextMatcher::Regex(spec.values) : TextMatcher::Exact(spec.values);
  if (!texts) return std::unexpected(texts.error());
  std::string identity = fmt::format("text {} {}", spec.enabled_regex_matching, spec.key);
  for (const std::string& value : spec.values) identity += '\0' + value;
  bool is_new = false;
  const uint16_t bit = BitOf(std::move(identity), is_new);
  if (is_new) {
    const auto kind = spec.enabled_regex_matching ? AttributePredicate::Kind::kRegex : AttributePredicate::Kind::kText;
    program_.attributes.push_back({kind, SlotsOf(spec.key), bit, 0, 0, *std::move(texts)});
  }
  Node node = BitNode(bit);
  node.invert = spec.invert_match;
  return node;
}

Node Compiler::CompileHash(const ProbabilisticSpec& spec) {
  Node node{.op = Node::Op::kHash};
  node.salt = SaltOf(spec.hash_salt.empty() ? kDefaultSalt : std::string_view(spec.hash_salt));
  node.threshold = HashThreshold(spec.sampling_percentage);
  if (node.threshold == UINT64_MAX) return {.op = Node::Op::kAlways};
  std::vector<uint64_t>& thresholds = program_.salts[node.salt].thresholds;
  const auto at = std::ranges::lower_bound(thresholds, node.threshold);
  if (at == thresholds.end() || *at != node.threshold) thresholds.insert(at, node.threshold);
  return node;
}

Node Compiler::CompileLimit(const PolicySpec& policy, const LimitSpec& spec) {
  const auto rate = static_cast<double>(spec.per_second);
  const double burst = spec.burst_capacity > 0 ? static_cast<double>(spec.burst_capacity) : 2 * rate;
  const bool bytes = policy.type == "bytes_limiting";
  Node node{.op = bytes ? Node::Op::kByteLimit : Node::Op::kSpanLimit};
  node.limiter = static_cast<uint16_t>(program_.limiters.size());
  program_.limiters.push_back({.counts_bytes = bytes, .per_second = rate, .burst = burst, .policy = policy_});
  return node;
}

Result<Node> Compiler::CompileGroup(const PolicySpec& policy) {
  Node node{.op = policy.type == "not" ? Node::Op::kNot : Node::Op::kAnd};
  for (const PolicySpec& child : policy.children) {
    auto compiled = Compile(child);
    if (!compiled) return compiled;
    node.children.push_back(*std::move(compiled));
  }
  return node;
}

Result<Node> Compiler::CompileComposite(const PolicySpec& policy, const CompositeSpec& spec) {
  std::vector<uint16_t> order;
  const auto place = [&](std::string_view name) {
    const auto found = std::ranges::find(policy.children, name, &PolicySpec::name);
    const auto number = static_cast<uint16_t>(found - policy.children.begin());
    if (found != policy.children.end() && std::ranges::find(order, number) == order.end()) order.push_back(number);
  };
  for (const std::string& name : spec.policy_order) place(name);
  for (const PolicySpec& child : policy.children) place(child.name);

  const auto total = static_cast<double>(spec.max_total_spans_per_second);
  Node node{.op = Node::Op::kComposite};
  for (const uint16_t number : order) {
    auto compiled = Compile(policy.children[number]);
    if (!compiled) return compiled;
    node.children.push_back(*std::move(compiled));
    node.child_numbers.push_back(number);
  }
  node.limiter = static_cast<uint16_t>(program_.limiters.size());
  for (const uint16_t number : order) {
    const auto found =
        std::ranges::find(spec.rate_allocation, policy.children[number].name, &CompositeSpec::Allocation::policy);
    const bool allocated = found != spec.rate_allocation.end() && found->percent > 0;
    const double share = allocated ? std::floor(static_cast<double>(found->percent) / 100 * total)
                                   : std::floor(total / static_cast<double>(policy.children.size()));
    program_.limiters.push_back(
        {.per_second_count = true, .per_second = std::min(share, total), .burst = 0, .policy = policy_});
  }
  return node;
}

Result<Node> Compiler::CompileDynamic(const PolicySpec& policy, const DynamicSpec& spec) {
  DynamicProgram dynamic{.spec = spec, .first_field = static_cast<uint16_t>(program_.key_fields.size())};
  for (std::string_view key : spec.keys) {
    KeyField field;
    if (key.starts_with("root.")) {
      field.root_only = true;
      key.remove_prefix(5);
    }
    if (key == "name") {
      field.kind = KeyField::Kind::kName;
    } else if (key == "kind") {
      field.kind = KeyField::Kind::kKind;
    } else if (key == "status") {
      field.kind = KeyField::Kind::kStatus;
    } else {
      field.slots = SlotsOf(key);
    }
    program_.key_fields.push_back(field);
  }
  dynamic.fields = static_cast<uint16_t>(spec.keys.size());
  Node node{.op = Node::Op::kDynamic};
  node.dynamic = static_cast<uint16_t>(program_.dynamics.size());
  // A salt of its own: independent of probabilistic policies and of other dynamic ones.
  node.salt = SaltOf("dynamic " + policy.name);
  program_.salts[node.salt].dynamic = node.dynamic;
  program_.dynamics.push_back(std::move(dynamic));
  return node;
}

Result<Node> Compiler::CompileOttl(const OttlConditionSpec& spec) {
  auto condition = CompileOttlCondition(spec, program_.span_keys, program_.resource_keys);
  if (!condition) return std::unexpected(condition.error());
  std::string identity = fmt::format("ottl {}", static_cast<int>(spec.error_mode));
  for (const std::string& text : spec.span) identity += "\0s" + text;
  for (const std::string& text : spec.spanevent) identity += "\0e" + text;
  bool is_new = false;
  Node node = BitNode(BitOf(identity, is_new));
  node.error_bit = BitOf("failed " + identity, is_new);
  if (is_new) program_.conditions.push_back({*std::move(condition), node.bit, node.error_bit});
  return node;
}

// Spans that meet A or B: not (none meets A and none meets B).
Node Compiler::CompileFilters(traceql::SpansetExpression spans) {
  if (auto* filter = std::get_if<traceql::SpansetFilter>(&spans.node)) {
    if (filter->condition == nullptr) return {.op = Node::Op::kAlways};
    bool is_new = false;
    const uint16_t bit = BitOf("traceql " + traceql::Print(*filter->condition), is_new);
    if (is_new) {
      program_.conditions.push_back(
          {CompileTraceqlCondition(std::move(*filter->condition), program_.span_keys, program_.resource_keys), bit,
           kNone});
    }
    return BitNode(bit);
  }
  if (auto* pipeline = std::get_if<traceql::Box<traceql::Pipeline>>(&spans.node)) {
    return CompileFilters(std::get<traceql::SpansetExpression>(std::move((*pipeline)->stages[0].node)));
  }
  auto& operation = std::get<traceql::SpansetOperation>(spans.node);
  const auto negated = [](Node node) {
    Node negation{.op = Node::Op::kNot};
    negation.children.push_back(std::move(node));
    return negation;
  };
  const bool either = operation.op == traceql::Operator::kOr;
  Node left = CompileFilters(std::move(*operation.left)), right = CompileFilters(std::move(*operation.right));
  Node both{.op = Node::Op::kAnd};
  both.children.push_back(either ? negated(std::move(left)) : std::move(left));
  both.children.push_back(either ? negated(std::move(right)) : std::move(right));
  return either ? negated(std::move(both)) : both;
}

Result<Node> Compiler::ForServices(const PolicySpec& policy, Node node) {
  if (policy.services.empty()) return node;
  auto services = CompileText({.key = std::string(kServiceKey), .values = policy.services});
  if (!services) return services;
  Node both{.op = Node::Op::kAnd};
  both.children.push_back(*std::move(services));
  both.children.push_back(std::move(node));
  return both;
}

Result<Node> Compiler::CompileBlock(const PolicySpec& policy) {
  const auto& block = policy.block;
  if (const auto* spec = std::get_if<LatencySpec>(&block)) {
    return Node{.op = Node::Op::kLatency, .a = spec->threshold_ms, .b = spec->upper_threshold_ms};
  }
  if (const auto* spec = std::get_if<SpanCountSpec>(&block)) {
    return Node{.op = Node::Op::kSpanCount, .a = spec->min_spans, .b = spec->max_spans};
  }
  if (std::holds_alternative<TraceFlagsSpec>(block)) return CompileFlags();
  if (const auto* spec = std::get_if<StatusCodeSpec>(&block)) return CompileStatus(*spec);
  if (const auto* spec = std::get_if<NumericAttributeSpec>(&block)) return CompileNumber(*spec);
  if (const auto* spec = std::get_if<StringAttributeSpec>(&block)) return CompileText(*spec);
  if (const auto* spec = std::get_if<BooleanAttributeSpec>(&block)) return CompileBool(*spec);
  if (const auto* spec = std::get_if<TraceStateSpec>(&block)) return CompileTraceState(*spec);
  if (const auto* spec = std::get_if<ProbabilisticSpec>(&block)) return CompileHash(*spec);
  if (const auto* spec = std::get_if<LimitSpec>(&block)) return CompileLimit(policy, *spec);
  if (const auto* spec = std::get_if<OttlConditionSpec>(&block)) return CompileOttl(*spec);
  if (const auto* spec = std::get_if<CompositeSpec>(&block)) return CompileComposite(policy, *spec);
  if (std::holds_alternative<GroupSpec>(block)) return CompileGroup(policy);
  if (std::holds_alternative<ErrorSpec>(block)) return CompileError();
  if (const auto* spec = std::get_if<RootLatencySpec>(&block)) return CompileRootLatency(*spec);
  if (const auto* spec = std::get_if<TraceqlSpec>(&block)) {
    auto filters = ParseTraceqlPolicy(spec->query);
    if (!filters) return std::unexpected(filters.error());
    return CompileFilters(*std::move(filters));
  }
  if (const auto* spec = std::get_if<DynamicSpec>(&block)) return CompileDynamic(policy, *spec);
  return Node{.op = Node::Op::kAlways};
}

Result<Node> Compiler::Compile(const PolicySpec& policy) {
  auto node = CompileBlock(policy);
  if (!node)
    return std::unexpected(Wrap(fmt::format("line {}: policy \"{}\"", policy.line, policy.name), node.error()));
  if (program_.bits > kPredicatesMax) {
    return Fail(Code::kInvalidArgument, "more than {} different conditions in the policies", kPredicatesMax);
  }
  return ForServices(policy, *std::move(node));
}

int Compiler::Certainty(const Node& node) {
  int certainty = 0;
  if (node.op == Node::Op::kHash || node.op == Node::Op::kDynamic) return 2;
  if (node.op == Node::Op::kSpanLimit || node.op == Node::Op::kByteLimit || node.op == Node::Op::kComposite)
    certainty = 1;
  for (const Node& child : node.children) certainty = std::max(certainty, Certainty(child));
  return certainty;
}

Result<void> Compiler::CheckChance() {
  size_t cells = 1;
  for (const Salt& salt : program_.salts) {
    cells *= (salt.dynamic == kNone ? salt.thresholds.size() : 1) + 1;
    if (cells > kChanceCellsMax) {
      return Fail(Code::kInvalidArgument,
                  "the probabilistic and dynamic policies have too many different salts and percentages: more than {} "
                  "cases to weigh; use fewer salts",
                  kChanceCellsMax);
    }
  }
  return {};
}

void Compiler::FillNeeds() {
  PolicyNeeds& needs = program_.needs;
  needs.trace_state = !program_.trace_states.empty();
  needs.http_status = program_.error_bits != 0;
  needs.events = std::ranges::any_of(program_.conditions,
                                     [](const auto& condition) { return condition.condition->needs_events(); });
  needs.span_bytes = !program_.attributes.empty() || !program_.conditions.empty() || !program_.key_fields.empty();
  for (const std::string& key : program_.span_keys.keys()) needs.span_keys.push_back(key);
  for (const std::string& key : program_.resource_keys.keys()) needs.resource_keys.push_back(key);
}

Result<void> Compiler::Run() {
  std::vector<const PolicySpec*> specs;
  for (const PolicySpec& policy : program_.config.policies) {
    if (policy.type == "drop") specs.push_back(&policy);
  }
  program_.drops = static_cast<uint16_t>(specs.size());
  for (const PolicySpec& policy : program_.config.policies) {
    if (policy.type != "drop") specs.push_back(&policy);
  }
  ReserveIntrinsicBits(program_.config.policies);
  for (const PolicySpec* policy : specs) {
    auto node = Compile(*policy);
    if (!node) return std::unexpected(node.error());
    PolicySet::Policy named{policy->name, policy->type, {}};
    if (policy->type == "composite") {
      for (const PolicySpec& child : policy->children) named.sub_policies.push_back(child.name);
    }
    program_.policies.push_back(std::move(named));
    program_.roots.push_back(*std::move(node));
    ++policy_;
  }
  program_.words = std::max<size_t>(1, (program_.bits + 63) / 64);
  for (uint16_t i = 0; i < program_.roots.size(); ++i) program_.by_certainty.push_back(i);
  std::sort(program_.by_certainty.begin() + program_.drops, program_.by_certainty.end(), [&](uint16_t a, uint16_t b) {
    const int certainty_a = Certainty(program_.roots[a]), certainty_b = Certainty(program_.roots[b]);
    return certainty_a != certainty_b ? certainty_a < certainty_b : a < b;
  });
  FillNeeds();
  return CheckChance();
}

}  // namespace

// big.Float: a product of 64 bits' precision, rounded to nearest, then cut.
uint64_t HashThreshold(double percentage) {
  const double ratio = percentage / 100;
  if (!(ratio > 0)) return 0;
  if (ratio >= 1) return UINT64_MAX;
  int exponent = 0;
  const auto mantissa = static_cast<uint64_t>(std::ldexp(std::frexp(ratio, &exponent), 53));
  // ratio = mantissa * 2^(exponent - 53); the product with 2^64 - 1 has 117 bits, of which the first 64 stay.
  using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(mantissa) * UINT64_MAX;
  int shift = exponent - 53;
  const int width =
      128 - (static_cast<uint64_t>(product >> 64) != 0 ? std::countl_zero(static_cast<uint64_t>(product >> 64))
                                                       : 64 + std::countl_zero(static_cast<uint64_t>(product)));
  if (const int excess = width - 64; excess > 0) {
    const Wide rest = product & ((static_cast<Wide>(1) << excess) - 1);
    const Wide half = static_cast<Wide>(1) << (excess - 1);
    product >>= excess;
    if (rest > half || (rest == half && (product & 1) != 0)) ++product;  // to nearest, ties to even
    shift += excess;
  }
  return shift >= 0      ? static_cast<uint64_t>(product << shift)
         : shift <= -128 ? 0
                         : static_cast<uint64_t>(product >> -shift);
}

uint64_t Salt::Hash(const std::array<uint8_t, 16>& trace_id) const {
  uint64_t hash = state;
  for (const uint8_t byte : trace_id) hash = (hash ^ byte) * kFnvPrime;
  return hash;
}

Result<std::unique_ptr<PolicyProgram>> CompilePolicies(const PolicyConfig& config) {
  auto program = std::make_unique<PolicyProgram>();
  program->config = config;
  SIGHTLINE_TRY(Compiler(*program).Run());
  return program;
}

}  // namespace sightline::sample::internal
