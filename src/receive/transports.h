// The two ways in: each turns its transport's requests into exports and answers back.
#pragma once

#include <memory>
#include <string_view>

#include "net/grpc_server.h"
#include "net/http_server.h"
#include "receive/export_handler.h"
#include "receive/refused_requests.h"

namespace sightline::receive {

// What the handlers share with the receiver; both keep `handler` and `refused` alive as long as an answer is owed.
// Thread: any.
net::GrpcHandler GrpcExports(std::shared_ptr<ExportHandler> handler, std::shared_ptr<RefusedRequests> refused);
net::HttpHandler HttpExports(std::shared_ptr<ExportHandler> handler, std::shared_ptr<RefusedRequests> refused);

// Errors that the HTTP server answers itself, as google.rpc.Status in the request's encoding.
net::HttpResponse HttpErrorResponse(const net::HttpRequest& head, int status, const std::string& message);

}  // namespace sightline::receive
