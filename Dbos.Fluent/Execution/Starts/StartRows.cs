using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>The starter of workflows, as their rows name it.</summary>
/// <param name="ApplicationName">Null for a client that names none: its rows are open to any application.</param>
/// <param name="ApplicationVersion">Null for a client.</param>
/// <param name="ExecutorId">Null for a client, which runs nothing.</param>
internal sealed record StarterIdentity(string? ApplicationName, string? ApplicationVersion = null, string? ExecutorId = null);

/// <summary>A request to start a workflow, whichever application has its code.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Input">Its input, encoded.</param>
/// <param name="Options">How it is started; the id is set.</param>
/// <param name="IsOurs">True if the code is registered with the engine that starts it.</param>
internal sealed record StartRequest(string Name, Payload Input, StartOptions Options, bool IsOurs)
{
    /// <summary>The workflow that starts it, if one does.</summary>
    public string? ParentId { get; init; }

    /// <summary>A deadline that it inherits.</summary>
    public long? DeadlineMs { get; init; }

    /// <summary>Makes a request by definition, with a new id if the options give none.</summary>
    public static StartRequest Of(
        WorkflowDefinition definition, object? input, StartOptions options, bool isOurs, PayloadSerializer serializer)
    {
        var format = options.Format ?? definition.Format;
        return new StartRequest(definition.Name, serializer.EncodeInput(input, definition.InputType, format), WithId(options), isOurs);
    }

    public static StartOptions WithId(StartOptions options) =>
        options.Id is null ? options with { Id = AscendingIds.Next() } : options;
}

/// <summary>Makes the rows of starts.</summary>
internal sealed class StartRows(StarterIdentity starter)
{
    /// <summary>Makes the row of a start that runs at once or waits.</summary>
    /// <exception cref="ArgumentException">The options contradict each other, or an attribute cannot be stored.</exception>
    public WorkflowInsert Row(StartRequest request)
    {
        var options = request.Options;
        var delayed = options.Delay > TimeSpan.Zero;
        // A delay of zero does not delay, but such a start still goes through the internal queue. So does a start for another version's
        // code.
        var direct = options.Queue is null && options.Delay is null && starter.ExecutorId is not null
            && (options.ApplicationVersion is null || options.ApplicationVersion == starter.ApplicationVersion);
        return new WorkflowInsert
        {
            Id = options.Id!,
            Name = request.Name,
            State = direct ? WorkflowState.Pending : delayed ? WorkflowState.Delayed : WorkflowState.Enqueued,
            Token = Guid.CreateVersion7().ToString(),
            Input = request.Input,
            Queue = direct ? null : options.Queue ?? QueueNames.Internal,
            Priority = options.Priority,
            DeduplicationId = options.DeduplicationId,
            PartitionKey = options.PartitionKey,
            ExecutorId = direct ? starter.ExecutorId : null,
            // Another application may have the code of this name, so the row is open until one claims it.
            ApplicationName = request.IsOurs || starter.ExecutorId is null ? starter.ApplicationName : null,
            ApplicationVersion = options.ApplicationVersion ?? (request.IsOurs ? starter.ApplicationVersion : null),
            ParentId = request.ParentId,
            AttributesJson = AttributesJson.Of(options.Attributes),
            TimeoutMs = options.Timeout is { } timeout && timeout != Timeout.InfiniteTimeSpan ? ToMs(timeout) : null,
            DeadlineMs = request.DeadlineMs,
            DelayMs = delayed ? ToMs(options.Delay!.Value) : null,
        };
    }

    private static long ToMs(TimeSpan time) => (long)Math.Ceiling(time.TotalMilliseconds);
}
