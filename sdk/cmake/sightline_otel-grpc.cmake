# The target sightline_otel::grpc: gRPC::grpc++ where the project has found that, else the system's shared libraries.
# Debian's gRPCConfig.cmake asks for programs that are not needed here, and pkg-config takes CMake 13 s for this one.
if(NOT TARGET sightline_otel::grpc)
  add_library(sightline_otel::grpc INTERFACE IMPORTED GLOBAL)
  if(TARGET gRPC::grpc++)
    target_link_libraries(sightline_otel::grpc INTERFACE gRPC::grpc++)
  else()
    find_path(SIGHTLINE_OTEL_GRPC_INCLUDE_DIR grpcpp/grpcpp.h REQUIRED)
    target_include_directories(sightline_otel::grpc INTERFACE ${SIGHTLINE_OTEL_GRPC_INCLUDE_DIR})
    foreach(library grpc++ grpc gpr absl_synchronization)  # the last one for what gRPC's headers inline
      find_library(SIGHTLINE_OTEL_LIBRARY_${library} ${library} REQUIRED)
      target_link_libraries(sightline_otel::grpc INTERFACE ${SIGHTLINE_OTEL_LIBRARY_${library}})
    endforeach()
  endif()
endif()
