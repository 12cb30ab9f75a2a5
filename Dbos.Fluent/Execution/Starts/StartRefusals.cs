using System.Diagnostics;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Translates the database's answer to a start for its caller.</summary>
internal static class StartRefusals
{
    /// <summary>Whether the start itself was refused. A fault of the database says nothing about the start.</summary>
    public static bool IsRefusal(Exception exception) =>
        exception is ArgumentException or (DbosException and not (StoreUnavailableException or StoreSchemaException));

    /// <summary>The id for the handle: that of the started workflow, or of the one that existed before.</summary>
    /// <exception cref="DbosException">The start was refused.</exception>
    public static string IdOf(CommitResult result, StartRequest request) =>
        AttachedId(result, request.Options.Id!, request.Name, request.Options) ?? throw ToException(result, request.Options, request.Name);

    /// <summary>The same id; null if the start was refused.</summary>
    /// <exception cref="ConflictingWorkflowException">The holder of the deduplication id is a workflow of another definition.</exception>
    public static string? AttachedId(CommitResult result, string workflowId, string name, StartOptions options) => result switch
    {
        { Status: CommitStatus.Written or CommitStatus.Attached } => workflowId,
        { Status: CommitStatus.Deduplicated, Existing: { } holder }
            when options.DeduplicationPolicy == DeduplicationPolicy.ReturnExisting => holder.Name == name
                ? holder.Id
                : throw ConflictingWorkflowException.OfHolder(
                    holder.Id, name, holder.Name, options.Queue!, options.DeduplicationId!),
        _ => null,
    };

    /// <summary>Why a start was refused.</summary>
    /// <param name="result">The database's answer.</param>
    /// <param name="options">The start's options.</param>
    /// <param name="name">Its definition.</param>
    /// <param name="debounced">True for a debounced start, which cannot attach to whatever holds its deduplication id.</param>
    public static DbosException ToException(
        CommitResult result, StartOptions options, string name, bool debounced = false) => result.Status switch
        {
            CommitStatus.NameConflict => new ConflictingWorkflowException(options.Id!, name, result.Existing!.Name),
            CommitStatus.IdInUse => new WorkflowIdInUseException(options.Id!, result.Existing!.Name, result.Existing.State),
            CommitStatus.Deduplicated => new QueueDeduplicatedException(
                options.Id!, options.Queue!, options.DeduplicationId!, result.Existing?.Id, debounced),
            _ => throw new UnreachableException($"A start cannot end as {result.Status} here."),
        };
}
