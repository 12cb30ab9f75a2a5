using Microsoft.Extensions.Logging;

namespace Dbos.Fluent;

/// <summary>The log messages of a launch. Event ids are stable.</summary>
internal static partial class LaunchLog
{
    [LoggerMessage(
        1001,
        LogLevel.Warning,
        "No database was chosen, so the engine keeps everything in the file {Path}. Call UsePostgres or UseSqlite, or set the environment "
        + "variable DBOS_SYSTEM_DATABASE_URL")]
    public static partial void NoDatabaseChosen(this ILogger logger, string path);
}
