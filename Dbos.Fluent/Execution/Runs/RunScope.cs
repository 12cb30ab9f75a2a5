using System.Globalization;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>One run of one workflow, as the parts that execute its steps see it.</summary>
/// <param name="Work">What was claimed.</param>
/// <param name="History">What was recorded before.</param>
/// <param name="Facts">What the body's context shows.</param>
/// <param name="Environment">What all runs share.</param>
internal sealed record RunScope(ClaimedWorkflow Work, History History, RunFacts Facts, RunEnvironment Environment) : IDisposable
{
    // A run that has lost its workflow must not continue for long just because the reason is unknown.
    private static readonly TimeSpan ReasonLimit = TimeSpan.FromSeconds(1);

    private int waiting;
    private int active;
    private int highestStored = History.Highest;
    private CancelSignal? steps;
    private RunWaits? waits;
    private StepOutlet? outlet;
    private ReceiveTurns? receives;
    private UndoList? undos;
    private Task? losing;

    /// <summary>Ends the run at once: it was cancelled or fenced off, or the drain is over. It ends the engine's own waits too.</summary>
    public CancelSignal Stop { get; } = new();

    /// <summary>Fires with <see cref="Stop"/> and at the beginning of a drain: the token of step bodies.</summary>
    public CancelSignal Steps => LazyInitializer.EnsureInitialized(ref steps, () => new CancelSignal(Stop));

    public Ownership Owner { get; } = new(Work.Id, Work.Token);

    /// <summary>What the run waits for, and whether it can leave memory.</summary>
    public RunWaits Waits => LazyInitializer.EnsureInitialized(
        ref waits, () => new RunWaits(UnloadAfter, Environment.Clock, rows => Environment.Leave(this, rows)));

    private TimeSpan UnloadAfter =>
        Work.Queue is { } queue && Environment.Places.KeepsPlace(queue) ? Timeout.InfiniteTimeSpan : Environment.UnloadAfter;

    /// <summary>What step bodies of this run do to the outside.</summary>
    public StepOutlet Outlet => LazyInitializer.EnsureInitialized(ref outlet, () => new StepOutlet(this));

    /// <summary>Decides which step takes the next message of a topic if several steps of this run wait for one.</summary>
    public ReceiveTurns Receives => LazyInitializer.EnsureInitialized(ref receives);

    /// <summary>The steps that have completed and can be undone.</summary>
    public UndoList Undos => LazyInitializer.EnsureInitialized(ref undos);

    /// <summary>The id of a child whose options give none. From the second generation on, it names the generation.</summary>
    // With a letter, as the id of a grandchild in the first generation also appends two numbers.
    public string ChildId(int sequence) => Names.Shortened(
        Work.Generation == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{Work.Id}-{sequence}")
            : string.Create(CultureInfo.InvariantCulture, $"{Work.Id}-g{Work.Generation}-{sequence}"));

    /// <summary>The key that a step gives to services that drop duplicates.</summary>
    public string IdempotencyKey(int sequence) => Work.Generation == 0
        ? string.Create(CultureInfo.InvariantCulture, $"{Work.Id}:{sequence}")
        : string.Create(CultureInfo.InvariantCulture, $"{Work.Id}:{Work.Generation}:{sequence}");

    /// <summary>The highest sequence number stored in the history.</summary>
    public int HighestStored => Volatile.Read(ref highestStored);

    /// <summary>The current step and its first number; null before the first step.</summary>
    public (int Sequence, Step Step)? Current { get; set; }

    /// <summary>True while the run only looks at its records, to find what to undo: no step begins.</summary>
    public bool IsLookingBack { get; set; }

    /// <summary>True while the run only waits for a moment or for another workflow, and so needs no time to drain.</summary>
    public bool IsWaiting => Volatile.Read(ref waiting) > 0 && Volatile.Read(ref active) == 0;

    /// <summary>Why the run cannot continue: code and history disagree, or a checkpoint cannot be read.</summary>
    public Exception? Broken { get; private set; }

    /// <summary>The exception behind a failure that this very run recorded, for awaiters in this process.</summary>
    public (RecordedFailure Failure, Exception Exception)? Original { get; set; }

    /// <summary>The outcome of the last step, to be stored with the workflow's; null if everything is stored.</summary>
    public CheckpointRow? Last { get; set; }

    public StepEnd Break(Exception exception)
    {
        Broken ??= exception;
        return StepEnd.Broken;
    }

    /// <summary>Stops the run, because another executor has the workflow or it was cancelled. Its steps are told why.</summary>
    public Task LoseAsync() => LazyInitializer.EnsureInitialized(ref losing, FindReasonAsync);

    private async Task FindReasonAsync()
    {
        try
        {
            Stop.Fire(await Environment.WhyLost(Owner).WaitAsync(ReasonLimit, TimeProvider.System, Stop.Token).ConfigureAwait(false));
        }
        catch (TimeoutException)
        {
            Stop.Fire(CancellationReason.Shutdown);
        }
        catch (OperationCanceledException)
        {
            // The run was stopped by another caller meanwhile.
        }
    }

    /// <summary>True if no further step may begin: the run has lost its workflow, or a sibling has failed.</summary>
    public bool MayNotBegin(CancelSignal signal) =>
        Stop.IsFired || IsLookingBack || signal.Reason is CancellationReason.Cancelled or CancellationReason.DeadlineExceeded;

    public void BodyBegins() => Interlocked.Increment(ref active);

    public void BodyEnded() => Interlocked.Decrement(ref active);

    /// <summary>Called when a row has been stored in the history.</summary>
    public void Stored(int sequence)
    {
        for (var highest = HighestStored; sequence > highest; highest = HighestStored)
        {
            Interlocked.CompareExchange(ref highestStored, sequence, highest);
        }
    }

    public void Dispose()
    {
        waits?.Dispose();
        steps?.Dispose();
        Stop.Dispose();
    }

    /// <summary>Waits for something that happens outside the run.</summary>
    /// <param name="wait">What the run waits for, any one of it; null if the run must stay in memory meanwhile.</param>
    /// <param name="until">The wait itself.</param>
    public async Task<T> WaitAsync<T>(IReadOnlyList<WaitRow>? wait, Func<Task<T>> until)
    {
        Interlocked.Increment(ref waiting);
        Environment.Places.RunWaits();
        Waits.Begin(wait);
        try
        {
            return await until().ConfigureAwait(false);
        }
        finally
        {
            await Waits.EndAsync(wait).ConfigureAwait(false);
            Interlocked.Decrement(ref waiting);
        }
    }
}

/// <summary>How the execution of one yielded step ended.</summary>
internal enum StepEnd
{
    /// <summary>The step's descriptor holds its result.</summary>
    Completed,

    /// <summary>The step's descriptor holds its failure.</summary>
    Failed,

    /// <summary>The run must stop here: it was cancelled, lost its row, or the engine stops. Nothing was recorded.</summary>
    Stopped,

    /// <summary>The workflow cannot continue: see <see cref="RunScope.Broken"/>.</summary>
    Broken,
}
