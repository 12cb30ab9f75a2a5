using System.Diagnostics;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Debounced starts, from outside and from workflows.</summary>
internal static class Debouncing
{
    /// <summary>The start that a call writes if it is the first of its key.</summary>
    /// <param name="starts">In whose name.</param>
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

    /// <summary>The options of a call, with what the call itself says.</summary>
    public static StartOptions Complete(StartOptions options, DebounceCall call, WorkflowDefinition definition) => options with
    {
        Queue = options.Queue ?? QueueNames.Internal,
        Delay = call.Delay,
        DeduplicationId = call.DeduplicationId(definition.Name),
    };

    /// <summary>The workflow that stands in the end.</summary>
    /// <exception cref="DbosException">The start was refused.</exception>
    public static string IdOf(CommitResult result, StartRequest request) =>
        StandingId(result, request.Options, request.Name) ?? throw StartRefusals.ToException(result, request.Options, request.Name);

    /// <summary>The same, null where the start was refused.</summary>
    public static string? StandingId(CommitResult result, StartOptions options, string name) => result switch
    {
        // A later call of a key moves the one that waits; and a repeated write names the one that it found.
        { Status: CommitStatus.Written or CommitStatus.Attached, Existing: { } standing } => standing.Id,
        { Status: CommitStatus.Written } => options.Id,

        // An id of the caller's own that has started already is attached to, as by any start.
        { Status: CommitStatus.IdInUse, Existing: { } other }
            when options.IdReuse == IdReuse.ReturnExisting && other.Name == name => other.Id,
        { Status: CommitStatus.Attached } => throw new UnreachableException("A moved start has no id."),
        _ => null,
    };
}
