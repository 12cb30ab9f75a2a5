using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>Execution's view of a step that sets an event (<c>DBOS.setEvent</c>).</summary>
internal interface ISetEventStep
{
    string Key { get; }

    object? Value { get; }

    Type ValueType { get; }
}

/// <summary>Sets an event of the running workflow.</summary>
internal sealed class SetEventStep<T>(string key, T value) : Step<Unit>(BuiltInNames.SetEvent), ISetEventStep
{
    public string Key { get; } = Names.CheckName(key, nameof(key));

    public object? Value { get; } = value;

    public Type ValueType => typeof(T);
}

/// <summary>
/// Execution's view of a step that waits for an event (<c>DBOS.getEvent</c>, then <c>DBOS.sleep</c>): two sequence numbers.
/// </summary>
internal interface IGetEventStep : IValueStep
{
    string WorkflowId { get; }

    string Key { get; }

    TimeSpan Timeout { get; }
}

/// <summary>Waits for an event of some workflow.</summary>
internal sealed class GetEventStep<T>(string workflowId, string key, TimeSpan timeout)
    : OptionalStep<T>(BuiltInNames.GetEvent), IGetEventStep
{
    public string WorkflowId { get; } = Names.CheckId(workflowId, nameof(workflowId));

    public string Key { get; } = Names.CheckName(key, nameof(key));

    public TimeSpan Timeout { get; } = WaitTime.Check(timeout, nameof(timeout));

    internal override int Slots => 2;
}
