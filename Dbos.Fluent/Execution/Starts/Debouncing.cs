using System.Diagnostics;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Debounced starts, from outside and from workflows.</summary>
internal static class Debouncing
{
    /// <summary>Makes the start that a call writes if it is the first of its key.</summary>
    /// <param name="starts">What makes the start request.</param>
    /// <param name="definition">What to start.</param>
    /// <param name="input">Its input.</param>
    /// <param name="options">How it is started.</param>
    /// <param name="call">The call.</param>
    public static StartRequest Request(
        IStarts starts, WorkflowDefinition definition, object? input, StartOptions options, DebounceCall call)
    {
        var request = starts.Request(definition, input, options);
        return request with
        {
            Options = Complete(request.Options, call, definition),
        };
    }

    /// <summary>Completes a call's options with its queue, delay and deduplication id.</summary>
    public static StartOptions Complete(StartOptions options, DebounceCall call, WorkflowDefinition definition) => options with
    {
        Queue = options.Queue ?? QueueNames.Internal,
        Delay = call.Delay,
        DeduplicationId = call.DeduplicationId(definition.Name),
    };

    /// <summary>The id of the workflow that results from a call.</summary>
    /// <exception cref="DbosException">The start was refused.</exception>
    public static string IdOf(CommitResult result, StartRequest request) =>
        StandingId(result, request.Options, request.Name)
        ?? throw StartRefusals.ToException(result, request.Options, request.Name, debounced: true);

    /// <summary>The same id; null if the start was refused.</summary>
    public static string? StandingId(CommitResult result, StartOptions options, string name) => result switch
    {
        // A later call of a key moves the waiting workflow. A repeated write names the workflow that it found.
        { Status: CommitStatus.Written or CommitStatus.Attached, Existing: { } standing } => standing.Id,
        { Status: CommitStatus.Written } => options.Id,

        // If the caller's own id has started already, the call attaches to it, like any start.
        { Status: CommitStatus.IdInUse, Existing: { } other }
            when options.IdReuse == IdReuse.ReturnExisting && other.Name == name => other.Id,
        { Status: CommitStatus.Attached } => throw new UnreachableException("A moved start has no id."),
        _ => null,
    };
}
