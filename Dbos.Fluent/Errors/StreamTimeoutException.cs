using System.Globalization;

namespace Dbos.Fluent;

/// <summary>No value came at an offset of a stream within the time allowed. The stream is open, and a value may still come.</summary>
public sealed class StreamTimeoutException : DbosException
{
    internal StreamTimeoutException(string workflowId, string key, int offset, TimeSpan timeout)
        : base(
            "DBOS5004",
            $"No value came at offset {offset} of stream '{key}' of workflow '{workflowId}' within {timeout}. "
            + "The stream is open: read on from this offset, allow more time, or let its writer close it when it is done.") =>
        (WorkflowId, Key, Offset, Timeout) = (workflowId, key, offset, timeout);

    /// <summary>The workflow whose stream it is.</summary>
    public string WorkflowId { get; }

    /// <summary>The stream's key.</summary>
    public string Key { get; }

    /// <summary>The offset, from 0, at which no value came.</summary>
    public int Offset { get; }

    /// <summary>The time allowed for one value.</summary>
    public TimeSpan Timeout { get; }

    internal override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string>
    {
        ["workflowId"] = WorkflowId,
        ["key"] = Key,
        ["offset"] = Offset.ToString(CultureInfo.InvariantCulture),
        ["timeout"] = Timeout.ToString("c"),
    };
}
