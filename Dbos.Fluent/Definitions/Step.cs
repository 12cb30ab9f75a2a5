namespace Dbos.Fluent;

/// <summary>
/// Describes one durable operation that a workflow yields. A descriptor does nothing by itself: the engine that receives it does.
/// </summary>
/// <remarks>
/// Its outcome is stored once, under the sequence number at which it was yielded; on a replay the stored outcome is restored and nothing
/// runs. A descriptor belongs to one run of one workflow: yielded twice there it is two steps, yielded by a second run it is an error.
/// Immutable but for the place where its result appears, which all modifiers of one descriptor share.
/// </remarks>
public abstract partial class Step
{
    private protected Step(string name) => Name = name;

    /// <summary>The name under which the outcome is stored; a built-in step's begins with <c>DBOS.</c></summary>
    public string Name { get; }

    /// <summary>True if a failure is left in the descriptor and does not end the workflow.</summary>
    internal bool Tolerant { get; private protected set; }

    /// <summary>How many sequence numbers it takes.</summary>
    internal virtual int Slots => 1;

    /// <summary>The type of its result, in which the stored outcome is decoded.</summary>
    internal abstract Type ResultType { get; }

    /// <summary>Where results appear: its own, and those of its members. Copies of a descriptor share theirs.</summary>
    internal abstract IEnumerable<object> ResultSlots { get; }

    /// <summary>Shows what has become of a copy with results of its own.</summary>
    internal abstract void ShowOutcomeOf(Step same);

    /// <summary>The same step with results of its own, for one that a group lists more than once.</summary>
    internal abstract Step WithOwnResult();

    /// <summary>
    /// Binds the descriptor, and its members, to the run that yielded it and clears what an earlier yield in that run left.
    /// </summary>
    /// <exception cref="InvalidOperationException">Another run has yielded it.</exception>
    internal abstract void Bind(object run);

    /// <summary>
    /// Clears what a step of a group that failed, or lost a race, shows and no row says: that a sleep was over by then, and so that a group
    /// with one was.
    /// </summary>
    /// <returns>True where what it shows, if anything, is what its rows say.</returns>
    internal virtual bool KeepStored(object run) => true;

    /// <summary>Puts a decoded result where the workflow reads it.</summary>
    internal abstract void Complete(object? result);

    /// <summary>
    /// Says that the step has succeeded with a result that cannot be decoded; reading it throws what <paramref name="read"/> gives.
    /// </summary>
    internal abstract void CompleteUnreadable(Func<Exception> read);

    /// <summary>What reading the result of a step gives that has succeeded with one that cannot be decoded; null for any other.</summary>
    internal abstract Func<Exception>? Unreadable { get; }

    /// <summary>The decoded result of a step that has completed.</summary>
    internal abstract object? ResultValue { get; }

    /// <summary>The failure that stands where the workflow reads the result; null after a success and before the step has run.</summary>
    internal abstract RecordedFailure? RecordedError { get; }

    /// <summary>What reading the result of a failed step throws; null where there is no failure.</summary>
    internal abstract Exception? RecordedException { get; }

    /// <summary>Puts a failure where the workflow reads it; <paramref name="exception"/> is what reading the result throws.</summary>
    internal abstract void Fail(RecordedFailure failure, Exception exception);
}
