using System.Diagnostics;
using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>Execution's view of a receive (<c>DBOS.recv</c>, then <c>DBOS.sleep</c>): two sequence numbers.</summary>
internal interface IReceiveStep : IValueStep
{
    string? Topic { get; }

    /// <summary>
    /// How long it waits; null if <see cref="Until"/> is set or it has no limit. Infinite waits forever too, but with a marker row.
    /// </summary>
    TimeSpan? Timeout { get; }

    DateTimeOffset? Until { get; }
}

/// <summary>Receives a message, without a time limit.</summary>
internal sealed class ReceiveStep<T>(string? topic) : Step<T>(BuiltInNames.Receive), IReceiveStep
{
    public string? Topic { get; } = ReservedTexts.CheckTopic(topic, nameof(topic));

    public TimeSpan? Timeout => null;

    public DateTimeOffset? Until => null;

    public Type ValueType => typeof(T);

    // The second number is for the wait, which has a row only if it has an end.
    internal override int Slots => 2;

    public void CompleteWith(object? value) => Complete(value);

    public void CompleteEmpty() => throw new UnreachableException("A receive without an end ended without a message.");
}

/// <summary>Receives a message, or none within a time or by a moment.</summary>
internal sealed class ReceiveInTimeStep<T> : OptionalStep<T>, IReceiveStep
{
    public ReceiveInTimeStep(string? topic, TimeSpan timeout)
        : this(topic) => Timeout = WaitTime.Check(timeout, nameof(timeout));

    public ReceiveInTimeStep(string? topic, DateTimeOffset until)
        : this(topic) => Until = until;

    private ReceiveInTimeStep(string? topic)
        : base(BuiltInNames.Receive) => Topic = ReservedTexts.CheckTopic(topic, nameof(topic));

    public string? Topic { get; }

    public TimeSpan? Timeout { get; }

    public DateTimeOffset? Until { get; }

    internal override int Slots => 2;
}
