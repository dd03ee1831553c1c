#include "query/stack_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "query/testing/choice.h"

namespace sightline::query {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Case {
  const char* name;
  const char* text;
  std::vector<std::string> frames;
};

const Case kCases[] = {
    {"Python",
     "Traceback (most recent call last):\n"
     "  File \"/usr/lib/python3.11/asyncio/runners.py\", line 118, in run\n    return self._loop.run()\n"
     "  File \"/srv/shop/app/main.py\", line 12, in checkout\n    pay(cart)\n"
     "  File \"/srv/shop/app/pay.py\", line 7, in pay\n    raise ValueError(cart)\n"
     "  File \"/venv/lib/site-packages/x/y.py\", line 3, in helper\n"
     "ValueError: bad cart 17\n",
     {"pay (app/pay.py)", "checkout (app/main.py)"}},
    {"Python, an exception while another is handled",
     "Traceback (most recent call last):\n  File \"/a/b.py\", line 1, in inner\n    1/0\nZeroDivisionError: x\n\n"
     "During handling of the above exception, another exception occurred:\n\n"
     "Traceback (most recent call last):\n  File \"/a/c.py\", line 9, in outer\n    raise "
     "RuntimeError\nRuntimeError\n",
     {"outer (a/c.py)"}},
    {"Java",
     "java.lang.IllegalStateException: no stock for 17\n"
     "\tat java.base/java.util.Optional.orElseThrow(Optional.java:403)\n"
     "\tat com.shop.Stock.take(Stock.java:12)\n"
     "\tat com.shop.Cart$$Lambda$17/0x0000.run(Unknown Source)\n"
     "\tat com.shop.Cart.lambda$pay$3(Cart.java:40)\n"
     "\tat org.springframework.web.Servlet.service(Servlet.java:1)\n"
     "Caused by: java.io.IOException: reset\n\tat com.shop.Net.read(Net.java:1)\n\t... 12 more\n",
     {"com.shop.Stock.take (Stock.java)", "com.shop.Cart.lambda$pay$# (Cart.java)"}},
    {"Node",
     "TypeError: Cannot read properties of undefined (reading 'id')\r\n"
     "    at Cart.pay [as run] (file:///app/src/cart.js:12:5)\r\n"
     "    at async /app/src/server.js:99:3\r\n"
     "    at Layer.handle (/app/node_modules/express/lib/router/layer.js:95:5)\r\n"
     "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
     {"Cart.pay (src/cart.js)", "src/server.js"}},
    {"Firefox",
     "pay@https://shop.example/js/cart.js:12:5\n@https://shop.example/js/app.js:1:1\n",
     {"pay (js/cart.js)", "js/app.js"}},
    {"Go",
     "goroutine 17 [running]:\nruntime/debug.Stack()\n\t/usr/local/go/src/runtime/debug/stack.go:24 +0x5e\n"
     "panic({0x6a5b20?, 0x7c2d10?})\n\t/usr/local/go/src/runtime/panic.go:770 +0x132\n"
     "main.(*Shop).Pay(0xc000012345, 0x11)\n\t/src/shop/pay.go:12 +0x1d\n"
     "main.main()\n\t/src/shop/main.go:9 +0x20\n",
     {"main.(*Shop).Pay (shop/pay.go)", "main.main (shop/main.go)"}},
    {"GDB",
     "#0  0x00007f1234567890 in raise () from /lib/libc.so.6\n"
     "#1  0x000055d0c0ffee00 in shop::Pay(int, char const*) (id=17, name=0x0) at /src/shop/pay.cc:12\n"
     "#2  main (argc=1) at /src/shop/main.cc:9\n",
     {"shop::Pay (shop/pay.cc)", "main (shop/main.cc)"}},
    {"Boost",
     " 0# shop::Pay(int) at /src/shop/pay.cc:12\n 1# main at /src/shop/main.cc:9\n",
     {"shop::Pay (shop/pay.cc)", "main (shop/main.cc)"}},
    {".NET",
     "System.InvalidOperationException: no stock\n   at Shop.Cart.Pay(String id, Int32 n) in /src/Shop/Cart.cs:line "
     "12\n   at System.Threading.Tasks.Task.Run()\n",
     {"Shop.Cart.Pay (Shop/Cart.cs)"}},
    {"Rust",
     "   0: std::panicking::begin_panic\n             at /rustc/abc/library/std/src/panicking.rs:1:1\n"
     "   1: shop::pay::h0123456789abcdef\n             at ./src/pay.rs:12:5\n",
     {"shop::pay (src/pay.rs)"}},
    {"Ruby",
     "app/cart.rb:12:in `pay'\nfrom app/main.rb:3:in '<main>'\n",
     {"pay (app/cart.rb)", "<main> (app/main.rb)"}},
    {"PHP",
     "#0 /app/src/cart.php(12): Cart->pay(17)\n#1 /app/src/index.php(3): main()\n#2 {main}\n",
     {"Cart->pay (src/cart.php)", "main (src/index.php)"}},
};

TEST(StackTrace, TellingFramesAreTheProgramsOwnInnermostFirst) {
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.name);
    std::vector<std::string> frames = TellingFrames(one.text);
    frames.resize(std::min(frames.size(), one.frames.size()));
    EXPECT_EQ(frames, one.frames);
  }
}

TEST(StackTrace, AnythingMayStandInIt) {
  testing::Choice choice(7);
  for (int round = 0; round < 2000; ++round) {
    std::string text = kCases[choice.Below(std::size(kCases))].text;
    for (size_t changes = choice.Below(20); changes > 0; --changes) {
      text += "\n";  // never empty
      if (choice.OneIn(3)) text.erase(choice.Below(text.size()), choice.Below(30));
      text += "\n";
      if (choice.OneIn(3))
        text.insert(choice.Below(text.size()), text.substr(choice.Below(text.size()), choice.Below(40)));
      text[choice.Below(text.size())] = static_cast<char>(choice.Below(256));
    }
    const std::vector<std::string> frames = TellingFrames(text);
    EXPECT_LE(frames.size(), kTellingFramesMax);
    for (const std::string& frame : frames) EXPECT_FALSE(frame.empty()) << text;
  }
}

TEST(StackTrace, LinesAddressesAndHostsDoNotMatter) {
  const auto frames = [](std::string_view line, std::string_view folder) {
    return TellingFrames("E: x\n    at pay (" + std::string(folder) + "/src/cart.js:" + std::string(line) + ":5)\n");
  };
  EXPECT_EQ(frames("12", "/app"), frames("99", "/srv/releases/20240102"));
  EXPECT_EQ(TellingFrames("main.pay(0xc0001)\n\t/a/b/pay.go:1 +0x1\n"),
            TellingFrames("main.pay(0xc0ff2)\n\t/a/b/pay.go:7 +0x9\n"));
}

TEST(StackTrace, OnlyLibrariesAreBetterThanNothing) {
  EXPECT_THAT(TellingFrames("\tat java.util.A.f(A.java:1)\n\tat java.util.B.g(B.java:2)\n"),
              ElementsAre("java.util.A.f (A.java)", "java.util.B.g (B.java)"));
}

TEST(StackTrace, WhatIsNoStackTraceHasNoFrames) {
  for (const char* text : {"", "\n\n", "ValueError: bad cart 17", "at", "#", "File \"x", "goroutine 1 [running]:"}) {
    EXPECT_THAT(TellingFrames(text), IsEmpty()) << text;
  }
  EXPECT_THAT(ParseStackTrace(std::string(1'000'000, 'x')), IsEmpty());
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "    at f (/a/b.js:1:1)\n";
  EXPECT_EQ(ParseStackTrace(deep).size(), 200u);
}

}  // namespace
}  // namespace sightline::query
