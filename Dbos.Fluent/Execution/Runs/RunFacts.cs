using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Execution;

/// <summary>What a body's context shows. All of it follows from the origin and the checkpoints given to the body so far.</summary>
internal sealed class RunFacts : IWorkflowFacts
{
    // Ids and random numbers are separate streams, so that using one does not shift the other.
    private const ulong IdStream = 0xA0761D6478BD642FUL;
    private const ulong BranchStream = 0x9E3779B97F4A7C15UL;

    private readonly DeterministicRandom ids;
    private long nowMs;
    private int nextSequence;
    private readonly int highestRecorded;

    private readonly RunFacts? whole;
    private readonly ulong seed;
    private readonly ILogger logger;

    public RunFacts(ClaimedWorkflow work, History history, ILogger logger)
        : this(work.Id, work.Attempt, unchecked((ulong)work.Origin.Seed), history.Highest, logger) => nowMs = work.Origin.StartedAtMs;

    private RunFacts(string workflowId, int attempt, ulong seed, int highestRecorded, ILogger logger)
    {
        (WorkflowId, Attempt, this.seed, this.highestRecorded, this.logger) = (workflowId, attempt, seed, highestRecorded, logger);
        ids = new DeterministicRandom(seed ^ IdStream);
        Random = new DeterministicRandom(seed);
        Logger = new ReplayLogger(this, logger);
    }

    private RunFacts(RunFacts whole, int firstSequence)
        : this(
            whole.WorkflowId,
            whole.Attempt,
            BranchSeed(whole, firstSequence),
            whole.highestRecorded,
            whole.logger)
    {
        this.whole = whole.whole ?? whole;
        nowMs = Volatile.Read(ref whole.nowMs);
    }

    public string WorkflowId { get; }

    public int Attempt { get; }

    public Random Random { get; }

    public ILogger Logger { get; }

    public DateTimeOffset UtcNow => EpochMs.ToMoment(NowMs);

    public long NowMs => Volatile.Read(ref nowMs);

    public bool IsReplaying => whole is not null ? whole.IsReplaying : Volatile.Read(ref nextSequence) <= highestRecorded;

    /// <summary>
    /// The facts of a branch that runs beside others. It has its own clock and random numbers, which no other branch moves, so that a
    /// replay sees the same whichever branch was faster.
    /// </summary>
    public RunFacts Branch(int firstSequence) => new(this, firstSequence);

    /// <summary>Called when branches have ended: the code that continues has seen what they saw.</summary>
    public void Join(IEnumerable<RunFacts> branches)
    {
        foreach (var branch in branches)
        {
            Saw(Volatile.Read(ref branch.nowMs));
        }
    }

    public Guid NewGuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        ids.NextBytes(bytes);
        // RFC 9562, version 4: four bits of version and two of variant.
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>Called before the body gets the outcome of a step that completed at this time.</summary>
    public void Saw(long? completedAtMs)
    {
        if (completedAtMs is { } moment)
        {
            // Members of a group complete on several threads.
            for (var seen = Volatile.Read(ref nowMs); moment > seen; seen = Volatile.Read(ref nowMs))
            {
                Interlocked.CompareExchange(ref nowMs, moment, seen);
            }
        }
    }

    // A nested branch may begin at the number of its parent branch. Mixed by XOR alone, its seed would be the run's own seed again. The
    // mixing is the finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
    private static ulong BranchSeed(RunFacts whole, int firstSequence)
    {
        var step = BranchStream * (ulong)(firstSequence + 1);
        if (whole.whole is null)
        {
            return whole.seed ^ step;
        }

        var mixed = whole.seed + step;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9UL;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBUL;
        return mixed ^ (mixed >> 31);
    }

    public void Reached(int sequence) => Volatile.Write(ref nextSequence, sequence);

    private sealed class ReplayLogger(RunFacts facts, ILogger inner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => !facts.IsReplaying && inner.IsEnabled(logLevel);

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!facts.IsReplaying)
            {
                inner.Log(logLevel, eventId, state, exception, formatter);
            }
        }
    }
}
