# What the headers of training include and link beyond those of inference. Link `llama2::training`
# beside `llama2::native` (or another mode) where they are used. The target is there if all of it
# is; what was not found is in `llama2_training_missing`.

set(llama2_training_missing "")

if(NOT TARGET llama2::training)
  if(NOT TARGET ZLIB::ZLIB)
    find_package(ZLIB QUIET)
  endif()
  if(NOT TARGET ZLIB::ZLIB)
    list(APPEND llama2_training_missing "zlib (Debian: zlib1g-dev)")
  endif()
  if(NOT TARGET nlohmann_json::nlohmann_json)
    find_package(nlohmann_json QUIET)
  endif()
  if(NOT TARGET nlohmann_json::nlohmann_json)
    list(APPEND llama2_training_missing "nlohmann_json (Debian: nlohmann-json3-dev)")
  endif()
  if(TARGET sentencepiece_train-static)  # downloaded and built here
    set(llama2_sentencepiece_train sentencepiece_train-static)
  else()
    find_library(LLAMA2_SENTENCEPIECE_TRAIN_LIBRARY sentencepiece_train
                 HINTS ${LLAMA2_PC_SENTENCEPIECE_LIBRARY_DIRS})
    mark_as_advanced(LLAMA2_SENTENCEPIECE_TRAIN_LIBRARY)
    set(llama2_sentencepiece_train "${LLAMA2_SENTENCEPIECE_TRAIN_LIBRARY}")
  endif()
  if(NOT llama2_sentencepiece_train)
    list(APPEND llama2_training_missing
         "sentencepiece's trainer (Debian: libsentencepiece-dev)")
  endif()
  if(NOT llama2_training_missing)
    add_library(llama2::training INTERFACE IMPORTED GLOBAL)
    target_link_libraries(llama2::training
                          INTERFACE "${llama2_sentencepiece_train}" llama2::sentencepiece
                                    ZLIB::ZLIB nlohmann_json::nlohmann_json)
  endif()
endif()
