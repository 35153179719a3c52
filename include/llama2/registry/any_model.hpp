// A model whose type is known only at run time.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/generate/score.hpp"
#include "llama2/generate/session.hpp"
#include "llama2/registry/model_list.hpp"
#include "llama2/shape/shape_info.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A `Session` of some model type.
class AnySession {
 public:
  using OnText = std::function<bool(std::string_view)>;

  template <class M>
  explicit AnySession(Session<M> session)
      : self_(std::make_unique<Holder<M>>(std::move(session))) {}

  [[nodiscard]] std::span<const Token> tokens() const noexcept { return self_->tokens(); }
  [[nodiscard]] std::size_t context() const noexcept { return self_->context(); }
  void reset() noexcept { self_->reset(); }
  void truncate(std::size_t size) noexcept { self_->truncate(size); }
  void append(std::span<const Token> tokens) { self_->append(tokens); }
  std::span<const float> logits(const Watch& watch = {}) { return self_->logits(watch); }
  void forget_middle(std::size_t sinks) { self_->forget_middle(sinks); }
  void save(const std::string& path) const { self_->save(path); }
  void load(const std::string& path, FileAccess access = FileAccess::map) {
    self_->load(path, access);
  }
  GenerateResult generate(std::string_view prompt, const GenerateOptions& options,
                          const OnText& on_text) {
    return self_->generate(prompt, options, on_text);
  }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual std::span<const Token> tokens() const noexcept = 0;
    virtual std::size_t context() const noexcept = 0;
    virtual void reset() noexcept = 0;
    virtual void truncate(std::size_t size) noexcept = 0;
    virtual void append(std::span<const Token> tokens) = 0;
    virtual std::span<const float> logits(const Watch& watch) = 0;
    virtual void forget_middle(std::size_t sinks) = 0;
    virtual void save(const std::string& path) const = 0;
    virtual void load(const std::string& path, FileAccess access) = 0;
    virtual GenerateResult generate(std::string_view prompt, const GenerateOptions& options,
                                    const OnText& on_text) = 0;
  };

  template <class M>
  struct Holder final : Interface {
    explicit Holder(Session<M> s) : session(std::move(s)) {}
    std::span<const Token> tokens() const noexcept override { return session.tokens(); }
    std::size_t context() const noexcept override { return session.context(); }
    void reset() noexcept override { session.reset(); }
    void truncate(std::size_t size) noexcept override { session.truncate(size); }
    void append(std::span<const Token> more) override { session.append(more); }
    std::span<const float> logits(const Watch& watch) override { return session.logits(watch); }
    void forget_middle(std::size_t sinks) override { session.forget_middle(sinks); }
    void save(const std::string& path) const override { session.save(path); }
    void load(const std::string& path, FileAccess access) override { session.load(path, access); }
    GenerateResult generate(std::string_view prompt, const GenerateOptions& options,
                            const OnText& on_text) override {
      return session.generate(prompt, options, on_text);
    }
    Session<M> session;
  };

  std::unique_ptr<Interface> self_;
};

/// Bytes that a model type needs; see `MemoryPlan`.
struct MemoryNumbers {
  std::size_t parameters;
  std::size_t weights;
  std::size_t kv_cache_per_token;
  std::size_t kv_cache;  ///< of the context asked for
  std::size_t scratch;
  std::size_t total;  ///< of one session with the context asked for
};

/// A `Model` of some type; as cheap to copy.
class AnyModel {
 public:
  template <class M>
    requires requires { typename M::Shape; }
  explicit AnyModel(M model) : self_(std::make_shared<const Holder<M>>(std::move(model))) {}

  [[nodiscard]] std::string name() const { return self_->name(); }
  [[nodiscard]] ShapeInfo shape() const noexcept { return self_->shape(); }
  [[nodiscard]] const ModelConfig& config() const noexcept { return self_->config(); }
  [[nodiscard]] Target target() const noexcept { return self_->target(); }
  [[nodiscard]] MemoryNumbers memory(std::size_t context) const noexcept {
    return self_->memory(context);
  }

  /// A session of `context` tokens; 0 takes the model's own.
  [[nodiscard]] AnySession session(const Tokenizer& tokenizer, std::size_t context = 0) const {
    return self_->session(tokenizer, context);
  }

  /// See `llama2::log_probabilities`.
  [[nodiscard]] std::vector<double> log_probabilities(std::span<const Token> tokens,
                                                      const Watch& watch = {}) const {
    return self_->log_probabilities(tokens, watch);
  }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual std::string name() const = 0;
    virtual ShapeInfo shape() const noexcept = 0;
    virtual const ModelConfig& config() const noexcept = 0;
    virtual Target target() const noexcept = 0;
    virtual MemoryNumbers memory(std::size_t context) const noexcept = 0;
    virtual AnySession session(const Tokenizer& tokenizer, std::size_t context) const = 0;
    virtual std::vector<double> log_probabilities(std::span<const Token> tokens,
                                                  const Watch& watch) const = 0;
  };

  template <class M>
  struct Holder final : Interface {
    explicit Holder(M m) : model(std::move(m)) {}
    std::string name() const override { return M::name(); }
    ShapeInfo shape() const noexcept override { return ShapeInfo::of<typename M::Shape>(); }
    const ModelConfig& config() const noexcept override { return model.config(); }
    Target target() const noexcept override { return model.target(); }
    MemoryNumbers memory(std::size_t context) const noexcept override {
      constexpr auto& plan = M::memory;
      return {.parameters = plan.parameters(),
              .weights = plan.weights(),
              .kv_cache_per_token = plan.kv_cache_per_token(),
              .kv_cache = plan.kv_cache(context),
              .scratch = plan.scratch(),
              .total = plan.total(context)};
    }
    AnySession session(const Tokenizer& tokenizer, std::size_t context) const override {
      return AnySession(Session<M>(model, tokenizer, {.context = context}));
    }
    std::vector<double> log_probabilities(std::span<const Token> tokens,
                                          const Watch& watch) const override {
      return llama2::log_probabilities(model, tokens, watch);
    }
    M model;
  };

  std::shared_ptr<const Interface> self_;
};

/// Loads `path` into the type of `List` that fits it; see `visit_model`.
template <class List>
AnyModel load_any(const std::string& path, const LoadOptions& options = {}) {
  return visit_model<List>(path, [](auto model) { return AnyModel(std::move(model)); }, options);
}

}  // namespace llama2::inline LLAMA2_ABI
