using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Starts workflows for a client, which runs nothing itself.</summary>
/// <param name="starter">The application that starts the workflows.</param>
/// <param name="serializer">Encodes inputs.</param>
/// <param name="book">The queues.</param>
/// <param name="write">Writes one unit.</param>
/// <param name="written">Called with each unit that was written.</param>
internal sealed class QueuedStarts(
    StarterIdentity starter,
    PayloadSerializer serializer,
    QueueBook book,
    Func<CommitUnit, Task<CommitResult>> write,
    Action<CommitUnit> written) : IStarts
{
    public StartRequest Request(WorkflowDefinition definition, object? input, StartOptions options)
    {
        StartRules.Check(options);
        return options.Queue is not null || starter.ApplicationName is not null
            ? StartRequest.Of(definition, input, options, isOurs: false, serializer)
            : throw new ArgumentException(
                "A client without an application name starts workflows on a named queue only: name the queue (StartOptions.Queue), "
                + "or connect with the ApplicationName of the engines that are to run it.",
                nameof(options));
    }

    public async ValueTask<StartUnit> UnitAsync(StartRequest request, CancellationToken cancellationToken)
    {
        var row = new StartRows(starter).Row(request);
        if (request.Options.Queue is { } queue)
        {
            PartitionRule.Check(request.Options, await book.FindAsync(queue, cancellationToken).ConfigureAwait(false));
        }

        return new StartUnit(row, RejectExisting: request.Options.IdReuse == IdReuse.Reject);
    }

    public async Task<CommitResult> StartAsync(StartRequest request, CancellationToken cancellationToken)
    {
        var unit = await UnitAsync(request, cancellationToken).ConfigureAwait(false);
        var result = await write(unit).ConfigureAwait(false);
        if (result.Status == CommitStatus.Written)
        {
            written(unit);
        }

        return result;
    }
}
