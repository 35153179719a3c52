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
#include "llama2/model/context_shift.hpp"
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
  void save(const std::string& path, const Watch& watch = {}) const { self_->save(path, watch); }
  void load(const std::string& path, FileAccess access = FileAccess::map, const Watch& watch = {}) {
    self_->load(path, access, watch);
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
    virtual void save(const std::string& path, const Watch& watch) const = 0;
    virtual void load(const std::string& path, FileAccess access, const Watch& watch) = 0;
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
    void save(const std::string& path, const Watch& watch) const override {
      session.save(path, watch);
    }
    void load(const std::string& path, FileAccess access, const Watch& watch) override {
      session.load(path, access, watch);
    }
    GenerateResult generate(std::string_view prompt, const GenerateOptions& options,
                            const OnText& on_text) override {
      return session.generate(prompt, options, on_text);
    }
    Session<M> session;
  };

  std::unique_ptr<Interface> self_;
};

class AnyPool;

/// A `KvSequence` of some model type.
class AnySequence {
 public:
  AnySequence(const std::shared_ptr<AnyPool>& pool, std::size_t capacity);

  [[nodiscard]] std::size_t size() const noexcept { return self_->size(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return self_->capacity(); }
  void truncate(std::size_t size) noexcept { self_->truncate(size); }
  void prepare_next() { self_->prepare_next(); }
  [[nodiscard]] AnySequence fork(std::size_t capacity) const {
    return AnySequence(self_->fork(capacity));
  }

 private:
  friend class AnyModel;
  friend class AnyPool;

  struct Interface {
    virtual ~Interface() = default;
    virtual std::size_t size() const noexcept = 0;
    virtual std::size_t capacity() const noexcept = 0;
    virtual void truncate(std::size_t size) noexcept = 0;
    virtual void prepare_next() = 0;
    virtual std::unique_ptr<Interface> fork(std::size_t capacity) const = 0;
  };
  template <class M>
  struct Holder final : Interface {
    explicit Holder(typename M::Sequence s) : sequence(std::move(s)) {}
    std::size_t size() const noexcept override { return sequence.size(); }
    std::size_t capacity() const noexcept override { return sequence.capacity(); }
    void truncate(std::size_t size) noexcept override { sequence.truncate(size); }
    void prepare_next() override { sequence.prepare_next(); }
    std::unique_ptr<Interface> fork(std::size_t capacity) const override {
      return std::make_unique<Holder>(sequence.fork(capacity));
    }
    typename M::Sequence sequence;
  };

  explicit AnySequence(std::unique_ptr<Interface> self) : self_(std::move(self)) {}

  std::unique_ptr<Interface> self_;
};

/// A `KvPool` of some model type.
class AnyPool {
 public:
  virtual ~AnyPool() = default;
  [[nodiscard]] virtual std::size_t pages() const noexcept = 0;
  [[nodiscard]] virtual std::size_t free_pages() const = 0;

 private:
  friend class AnyModel;
  friend class AnySequence;

  template <class M>
  struct Holder;

  virtual std::unique_ptr<AnySequence::Interface> sequence(std::size_t capacity) const = 0;
};

template <class M>
struct AnyPool::Holder final : AnyPool {
  explicit Holder(std::shared_ptr<typename M::Pool> p) : pool(std::move(p)) {}
  std::size_t pages() const noexcept override { return pool->pages(); }
  std::size_t free_pages() const override { return pool->free_pages(); }
  std::unique_ptr<AnySequence::Interface> sequence(std::size_t capacity) const override {
    return std::make_unique<AnySequence::Holder<M>>(typename M::Sequence(pool, capacity));
  }
  std::shared_ptr<typename M::Pool> pool;
};

inline AnySequence::AnySequence(const std::shared_ptr<AnyPool>& pool, std::size_t capacity)
    : self_(pool == nullptr
                ? throw Error(ErrorCode::invalid_argument, "a sequence needs a pool of pages")
                : pool->sequence(capacity)) {}

/// See `SequenceRow`.
struct AnyRow {
  Token token;
  std::size_t position;
  AnySequence* sequence;
  bool wants_logits = false;
};

/// A `Workspace` of some model type.
class AnyScratch {
 public:
  [[nodiscard]] std::size_t rows() const noexcept { return self_->rows(); }

 private:
  friend class AnyModel;

  struct Interface {
    virtual ~Interface() = default;
    virtual std::size_t rows() const noexcept = 0;
  };
  template <class M>
  struct Holder final : Interface {
    explicit Holder(std::size_t n) : scratch(n) { typed.reserve(n); }
    std::size_t rows() const noexcept override { return scratch.rows(); }
    typename M::Scratch scratch;
    std::vector<typename M::Row> typed;
  };

  explicit AnyScratch(std::unique_ptr<Interface> self) : self_(std::move(self)) {}

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
  // What `Batch` and evaluation, which are templates on the model's type, ask of one.
  using Pool = AnyPool;
  using Sequence = AnySequence;
  using Row = AnyRow;
  using Scratch = AnyScratch;

  template <class M>
    requires requires { typename M::Shape; }
  explicit AnyModel(M model) : self_(std::make_shared<const Holder<M>>(std::move(model))) {}

  [[nodiscard]] std::string name() const { return self_->name(); }
  [[nodiscard]] ShapeInfo shape() const noexcept { return self_->shape(); }
  [[nodiscard]] const ModelConfig& config() const noexcept { return self_->config(); }
  [[nodiscard]] Target target() const noexcept { return self_->target(); }
  [[nodiscard]] const SharedExecutor& executor() const noexcept { return self_->executor(); }
  [[nodiscard]] MemoryNumbers memory(std::size_t context) const noexcept {
    return self_->memory(context);
  }

  /// A session of `context` tokens; 0 takes the model's own.
  [[nodiscard]] AnySession session(const Tokenizer& tokenizer, std::size_t context = 0) const {
    return self_->session(tokenizer, context);
  }

  /// From here to `forward`: see `Model`. A sequence or scratch of another model type throws
  /// `mismatch`.
  [[nodiscard]] std::size_t vocab() const noexcept { return self_->vocab(); }
  [[nodiscard]] std::shared_ptr<AnyPool> make_pool(std::size_t positions) const {
    return self_->make_pool(positions);
  }
  [[nodiscard]] AnyScratch make_scratch(std::size_t rows) const {
    return self_->make_scratch(rows);
  }
  void forward(std::span<const AnyRow> rows, AnyScratch& scratch, std::span<float> logits,
               const Watch& watch = {}) const {
    self_->forward(rows, scratch, logits, watch);
  }
  /// See `llama2::forget`.
  void forget(AnySequence& sequence, std::size_t begin, std::size_t count) const {
    self_->forget(sequence, begin, count);
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
    virtual const SharedExecutor& executor() const noexcept = 0;
    virtual MemoryNumbers memory(std::size_t context) const noexcept = 0;
    virtual AnySession session(const Tokenizer& tokenizer, std::size_t context) const = 0;
    virtual std::vector<double> log_probabilities(std::span<const Token> tokens,
                                                  const Watch& watch) const = 0;
    virtual std::size_t vocab() const noexcept = 0;
    virtual std::shared_ptr<AnyPool> make_pool(std::size_t positions) const = 0;
    virtual AnyScratch make_scratch(std::size_t rows) const = 0;
    virtual void forward(std::span<const AnyRow> rows, AnyScratch& scratch, std::span<float> logits,
                         const Watch& watch) const = 0;
    virtual void forget(AnySequence& sequence, std::size_t begin, std::size_t count) const = 0;
  };

  template <class M>
  struct Holder final : Interface {
    explicit Holder(M m) : model(std::move(m)) {}
    std::string name() const override { return M::name(); }
    ShapeInfo shape() const noexcept override { return ShapeInfo::of<typename M::Shape>(); }
    const ModelConfig& config() const noexcept override { return model.config(); }
    Target target() const noexcept override { return model.target(); }
    const SharedExecutor& executor() const noexcept override { return model.executor(); }
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
    std::size_t vocab() const noexcept override { return M::vocab(); }
    std::shared_ptr<AnyPool> make_pool(std::size_t positions) const override {
      return std::make_shared<AnyPool::Holder<M>>(M::make_pool(positions));
    }
    AnyScratch make_scratch(std::size_t rows) const override {
      return AnyScratch(std::make_unique<AnyScratch::Holder<M>>(rows));
    }
    void forward(std::span<const AnyRow> rows, AnyScratch& scratch, std::span<float> logits,
                 const Watch& watch) const override {
      auto& own = typed<AnyScratch::Holder<M>>(scratch.self_.get());
      own.typed.clear();
      for (const AnyRow& row : rows)
        own.typed.push_back(
            {row.token, row.position,
             row.sequence == nullptr
                 ? nullptr
                 : &typed<AnySequence::Holder<M>>(row.sequence->self_.get()).sequence,
             row.wants_logits});
      model.forward(own.typed, own.scratch, logits, watch);
    }
    void forget(AnySequence& sequence, std::size_t begin, std::size_t count) const override {
      llama2::forget(model, typed<AnySequence::Holder<M>>(sequence.self_.get()).sequence, begin,
                     count);
    }
    template <class To, class From>
    static To& typed(From* from) {
      auto* const to = dynamic_cast<To*>(from);
      if (to == nullptr)
        throw Error(ErrorCode::mismatch, "made for another type of model", {.expected = M::name()});
      return *to;
    }
    M model;
  };

  std::shared_ptr<const Interface> self_;
};

/// What `Batch` calls for any model.
inline void forget(const AnyModel& model, AnySequence& sequence, std::size_t begin,
                   std::size_t count) {
  model.forget(sequence, begin, count);
}

/// Loads `path` into the type of `List` that fits it; see `visit_model`.
template <class List>
AnyModel load_any(const std::string& path, const LoadOptions& options = {}) {
  return visit_model<List>(path, [](auto model) { return AnyModel(std::move(model)); }, options);
}

}  // namespace llama2::inline LLAMA2_ABI
