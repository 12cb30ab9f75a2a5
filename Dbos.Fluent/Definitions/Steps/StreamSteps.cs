using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>Execution's view of a step that writes to a stream (<c>DBOS.writeStream</c>).</summary>
internal interface IWriteStreamStep
{
    string Key { get; }

    object? Value { get; }

    Type ValueType { get; }
}

/// <summary>Writes a value to a stream of the running workflow.</summary>
internal sealed class WriteStreamStep<T>(string key, T value) : Step<Unit>(BuiltInNames.WriteStream), IWriteStreamStep
{
    public string Key { get; } = Names.CheckName(key, nameof(key));

    public object? Value { get; } = ReservedTexts.CheckStreamValue(value, nameof(value));

    public Type ValueType => typeof(T);
}

/// <summary>Execution's view of a step that closes a stream (<c>DBOS.closeStream</c>).</summary>
internal interface ICloseStreamStep
{
    string Key { get; }
}

/// <summary>Closes a stream of the running workflow.</summary>
internal sealed class CloseStreamStep(string key) : Step<Unit>(BuiltInNames.CloseStream), ICloseStreamStep
{
    public string Key { get; } = Names.CheckName(key, nameof(key));
}

/// <summary>Execution's view of a step that reads one value of a stream (<c>DBOS.readStreamOffset</c>).</summary>
internal interface IReadStreamStep : IValueStep
{
    string WorkflowId { get; }

    string Key { get; }

    int Offset { get; }

    /// <summary>Null: no limit.</summary>
    TimeSpan? Timeout { get; }
}

/// <summary>Reads one value of a stream, and waits if it is not written yet.</summary>
internal sealed class ReadStreamStep<T>(string workflowId, string key, int offset, TimeSpan? timeout)
    : OptionalStep<T>(BuiltInNames.ReadStream), IReadStreamStep
{
    public string WorkflowId { get; } = Names.CheckId(workflowId, nameof(workflowId));

    public string Key { get; } = Names.CheckName(key, nameof(key));

    public int Offset { get; } = CheckOffset(offset);

    public TimeSpan? Timeout { get; } = WaitTime.CheckLimit(timeout, nameof(timeout));

    private static int CheckOffset(int offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return offset;
    }
}
