// The endpoints on how people hear of alerts: channels, routing, silences, acknowledgements, and what was delivered.
#pragma once

#include "notify/dispatcher.h"
#include "notify/store.h"
#include "serve/api_call.h"
#include "serve/router.h"

namespace sightline::serve {

// Thread: any.
class NotificationsApi {
 public:
  // Both must outlive it.
  NotificationsApi(notify::NotifyStore& store, notify::Dispatcher& dispatcher)
      : store_(store), dispatcher_(dispatcher) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> ListChannels(ApiCall& call);
  Result<void> CreateChannel(ApiCall& call);
  Result<void> GetChannel(ApiCall& call);
  Result<void> UpdateChannel(ApiCall& call);
  Result<void> DeleteChannel(ApiCall& call);
  Result<void> TestChannel(ApiCall& call);
  Result<void> GetRouting(ApiCall& call);
  Result<void> SetRouting(ApiCall& call);
  Result<void> ListSilences(ApiCall& call);
  Result<void> CreateSilence(ApiCall& call);
  Result<void> UpdateSilence(ApiCall& call);
  Result<void> DeleteSilence(ApiCall& call);
  Result<void> Acknowledge(ApiCall& call);
  Result<void> Withdraw(ApiCall& call);
  Result<void> ListDeliveries(ApiCall& call);

  notify::NotifyStore& store_;
  notify::Dispatcher& dispatcher_;
};

}  // namespace sightline::serve
