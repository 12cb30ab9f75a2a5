using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>Writes a value to a stream of the running workflow.</summary>
internal sealed class WriteStreamStep<T>(string key, T value) : Step<Unit>(BuiltInNames.WriteStream), IWriteStreamStep
{
    public string Key { get; } = Names.CheckName(key, nameof(key));

    public object? Value { get; } = ReservedTexts.CheckStreamValue(value, nameof(value));

    public Type ValueType => typeof(T);
}

/// <summary>Closes a stream of the running workflow.</summary>
internal sealed class CloseStreamStep(string key) : Step<Unit>(BuiltInNames.CloseStream), ICloseStreamStep
{
    public string Key { get; } = Names.CheckName(key, nameof(key));
}

/// <summary>Reads one value of a stream, and waits for it where it is not there yet.</summary>
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
